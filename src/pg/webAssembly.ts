/** What we use of WebAssembly: the type library has it only together with the browser's DOM. */
interface WasmApi {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
}

const wasm = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;
const compiled = new Map<string, object>();

/** A new instance of a kernel, given in base64; it is compiled once. */
export function instantiate<Exports>(base64: string): Exports {
  let module = compiled.get(base64);
  if (!module) compiled.set(base64, (module = new wasm.Module(Buffer.from(base64, 'base64'))));
  return new wasm.Instance(module).exports as Exports;
}
