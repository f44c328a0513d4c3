// What an escape is for: each sink is given the Function of some realm as `F`, and succeeds only in the host's.
// It says REACHED, or the secret itself, after it has really done what it came for.

export const SINKS: Readonly<Record<string, string>> = {
  environment: `return G.process.env.SEED_CANARY;`,
  'read-file': `return G.process.getBuiltinModule('node:fs').readFileSync('{{secret}}', 'utf8');`,
  'write-file': `G.process.getBuiltinModule('fs').writeFileSync('{{dir}}/{{id}}', 'made'); return 'REACHED a file';`,
  shell: `G.process.getBuiltinModule('child_process').execFileSync('/bin/sh', ['-c', 'echo made > {{dir}}/{{id}}']); return 'REACHED a shell';`,
  connect: `await new Promise((done, fail) => {
      const socket = G.process.getBuiltinModule('net').connect({{port}}, '127.0.0.1');
      socket.on('error', fail).on('connect', () => socket.end('{{id}}\\n', done));
    });
    return 'REACHED a listener';`,
  require: `G.process.getBuiltinModule('module').createRequire('/any.js')('fs').writeFileSync('{{dir}}/{{id}}', 'made'); return 'REACHED require';`,
  binding: `if (typeof G.process.binding('fs').open !== 'function') throw new Error('no binding'); return 'REACHED a binding';`,
  import: `const fs = await F('return import("node:fs")')(); fs.writeFileSync('{{dir}}/{{id}}', 'made'); return 'REACHED import()';`,
  signal: `G.process.kill(G.process.pid, 0); return 'REACHED process ' + G.process.pid;`,
  exit: `const { pid } = G.process; try { G.process.getBuiltinModule('fs').writeFileSync('{{dir}}/{{id}}', 'made ' + pid); } finally { G.process.exit(77); }`,
  pollute: `const { pid } = G.process; G.Object.prototype.seedPolluted = '{{id}}'; return 'REACHED the prototypes of ' + pid;`,
  report: `return JSON.stringify(G.process.report.getReport());`,
  inspector: `const { Session } = G.process.getBuiltinModule('inspector'); const session = new Session(); session.connect(); session.disconnect(); return 'REACHED the inspector';`,
  worker: `const { Worker } = G.process.getBuiltinModule('worker_threads');
    await new Promise((done, fail) => new Worker("require('fs').writeFileSync('{{dir}}/{{id}}', 'made')", { eval: true }).on('exit', done).on('error', fail));
    return 'REACHED a worker';`,
};

/** How what was reached leaves: as the answer, in an error, in the log. */
export const WAYS_OUT: Readonly<Record<string, string>> = {
  answer: 'return reached;',
  error: 'throw new Error(reached);',
  log: 'ctx.log.warn(reached); console.log(reached); return null;',
};

/** The handler's last part, where `F` is in scope as the Function that was found. */
export function sinkBody(sink: string, wayOut: string): string {
  return `const G = F('return this')();
    if (typeof G.process !== 'object') throw new Error('no process in this realm');
    const reached = String(await (async () => { ${SINKS[sink] ?? ''} })());
    ${WAYS_OUT[wayOut] ?? ''}`;
}
