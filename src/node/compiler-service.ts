// The compiler: it needs nothing, so that on a new folder it can warm up while the database is made.
import { ThreadedCompiler } from '#kernel/compiler/threaded-compiler.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import type { Parts } from './parts.ts';

export function startCompiler(parts: Parts): Service {
  const compiler = parts.set('compiler', new ThreadedCompiler());
  if (parts.ground.newFolder) void compiler.warm();
  return { close: () => compiler.close() };
}
