// One child of the tree, ended and started again by hand: a process, or an agent. The node's services stand on each other and are only
// started again together, by their supervisor or by a restart of the node.
import type { ChildResult } from '#kernel/supervisor/child-result.ts';
import { Supervisor } from '#kernel/supervisor/supervisor.ts';
import { SeedError } from '#lib/error.ts';
import { nearest } from '#lib/nearest.ts';
import type { Parts } from './parts.ts';

/** Supervisors whose children stand alone. */
const WITH_ITS_OWN_CHILDREN = ['sandbox', 'work', 'agents'];

/** @throws SeedError `not_found` with the nearest path, `invalid_input`, `invalid_state` */
export async function restartChild(parts: Parts, path: string, { stop, dryRun }: { stop: boolean; dryRun: boolean }): Promise<void> {
  const names = path.split('/').filter((name) => name !== '' && name !== 'root' && name !== 'node');
  const [above = '', id = '', ...more] = names;
  const supervisor = parts
    .get('node')
    .whichChildren()
    .find((child) => child.id === above)?.child;
  if (
    id === '' &&
    parts
      .get('backOff')
      .list()
      .some((given) => given.id === above)
  ) {
    if (stop) throw new SeedError('invalid_state', `${path} has ended already`);
    if (!dryRun) refuse(path, await parts.get('node').restartChild(above));
    return;
  }
  if (supervisor === undefined) throw unknown(parts, path);
  if (!(supervisor instanceof Supervisor) || !WITH_ITS_OWN_CHILDREN.includes(above) || id === '' || more.length > 0) {
    throw new SeedError('invalid_input', `${path} is not a child that can be restarted on its own: others stand on it`, {
      details: [{ path: 'child', message: 'a sandbox host or an agent' }],
      hint: 'seed system:restart restarts the whole node',
    });
  }
  if (!supervisor.whichChildren().some((child) => child.id === id)) throw unknown(parts, path);
  if (above === 'agents' && stop)
    throw new SeedError('invalid_input', 'an agent is stopped by its name', { hint: `seed agents:stop ${id}` });
  if (dryRun) return;
  refuse(path, await supervisor.terminateChild(id));
  if (!stop && supervisor.whichChildren().some((child) => child.id === id)) refuse(path, await supervisor.restartChild(id));
}

function refuse(path: string, result: ChildResult): void {
  if (!result.ok) throw new SeedError('invalid_state', `${path}: ${result.message}`);
}

function unknown(parts: Parts, path: string): SeedError {
  const paths = parts
    .get('node')
    .whichChildren()
    .flatMap(({ id, child }) =>
      child instanceof Supervisor ? child.whichChildren().map((below) => `root/node/${id}/${below.id}`) : [`root/node/${id}`],
    );
  const close = nearest(path, paths);
  return new SeedError('not_found', `there is no child ${JSON.stringify(path)}`, {
    hint: close === undefined ? 'seed system:status shows all of them' : `did you mean ${close}?`,
  });
}
