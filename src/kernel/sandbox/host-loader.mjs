// Gives Node the host's modules from the file descriptor its parent has put them into (host-program.ts), then starts the host.
import { fstatSync, readSync } from 'node:fs';
import { registerHooks } from 'node:module';

const PROGRAM = 5;

const { size } = fstatSync(PROGRAM);
const bytes = Buffer.alloc(size);
// By position: the descriptor's own stands where the parent has stopped writing.
readSync(PROGRAM, bytes, 0, size, 0);
const sources = JSON.parse(bytes.toString());

registerHooks({
  load(url, context, next) {
    const source = sources[url];
    return source === undefined ? next(url, context) : { format: 'module', source, shortCircuit: true };
  },
});

await import(process.argv[3]);
