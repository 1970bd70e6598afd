export * from '../../src/redo/waldumpText.js';
