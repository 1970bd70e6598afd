/** What the screen takes from Ink and React: one door, because the build makes one file of it and all that stands behind (scripts/bundleInk.mjs). */
export { Box, render, Text, useInput, useStdout, type Key } from 'ink';
export { useEffect, useRef, useSyncExternalStore, type ReactNode } from 'react';
