// A coding agent's program as an author: it works in a scratch worktree, and what counts is the files that it leaves there.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CliEvent, CliOutcome, CodingCli } from '#lib/coding-cli/coding-cli.ts';
import { SeedError } from '#lib/error.ts';
import { baseCommit } from '../../lineage/base-commit.ts';
import type { Lineage } from '../../lineage/lineage.ts';
import type { Author, AuthorEvent, AuthorTask } from './author.ts';

export function cliAuthor(cli: CodingCli, lineage: Lineage): Author {
  return { name: cli.name, write: (task) => write(task, cli, lineage) };
}

async function* write(task: AuthorTask, cli: CodingCli, lineage: Lineage): AsyncGenerator<AuthorEvent, void, void> {
  const { prompt, instructions, base, start, description, timeoutMs, maxTurns, budgetMicroUsd, signal } = task;
  await using workspace = await lineage.workspace(await baseCommit(lineage, base), start);
  const { folder } = workspace;
  if (description !== null) await writeFile(join(folder, 'EVALUATION.md'), description);
  let outcome: CliOutcome | null = null;
  for await (const event of cli.run({
    prompt,
    instructions,
    cwd: folder,
    reach: { kind: 'edit', folder },
    timeoutMs,
    signal,
    maxTurns,
    ...(budgetMicroUsd === undefined ? {} : { budgetMicroUsd }),
  })) {
    if (event.type === 'ended') ({ outcome } = event);
    else yield* activityOf(event);
  }
  if (outcome === null) throw new SeedError('internal', `${cli.name} ended without a word`);
  const { usage } = outcome;
  yield {
    type: 'ended',
    outcome: outcome.ok
      ? { ok: true, text: outcome.text, changes: await workspace.changes(), usage }
      : { ok: false, failure: outcome.failure, message: outcome.message, usage },
  };
}

function* activityOf(event: CliEvent): Generator<AuthorEvent, void, void> {
  if (event.type === 'tool') yield { type: 'activity', activity: { kind: 'tool', text: `${event.name} ${event.detail}`.trim() } };
  else if (event.type === 'file') yield { type: 'activity', activity: { kind: 'file', text: event.path } };
  else if (event.type === 'text') yield { type: 'activity', activity: { kind: 'text', text: event.delta } };
}
