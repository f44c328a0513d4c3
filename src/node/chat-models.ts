// The models that this node can ask by name: the two coding agents' command lines, and those of the providers that it has a key for.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { Config } from '../config.ts';
import { ChatDesk } from '#domains/runtime/chat-desk.ts';
import type { CodingCli } from '#lib/coding-cli/coding-cli.ts';
import { cliLanguageModel } from '#lib/coding-cli/language-model.ts';
import { SeedError } from '#lib/error.ts';
import { languageModel, MODEL_PROVIDERS } from '#lib/model-provider.ts';
import { nearest } from '#lib/nearest.ts';
import { CODING_CLIS, type CodingClis } from './coding-clis.ts';

const FAMILIES = [...CODING_CLIS, ...MODEL_PROVIDERS];

export function createChatDesk(config: Config, clis: CodingClis): ChatDesk {
  const { concurrency, timeoutMs } = config.chat;
  // Theirs while they answer, and empty: they read what lies around them.
  const cwd = join(config.data.dir, 'chat');
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  return new ChatDesk({ places: concurrency, timeoutMs, model: (name) => modelNamed(name, { config, clis, cwd }) });
}

/** @throws SeedError `invalid_input` for a name that is none; `unavailable` with `details.failure` `missing_api_key` */
async function modelNamed(
  name: string,
  { config, clis, cwd }: { config: Config; clis: CodingClis; cwd: string },
): Promise<LanguageModelV4> {
  const [family = '', ...rest] = name.split('/');
  if (isCodingCli(family)) {
    const model = rest.join('/');
    const { timeoutMs } = config.chat;
    return cliLanguageModel({ modelId: name, cli: () => clis.cli(family, model === '' ? undefined : model), cwd, timeoutMs });
  }
  if ((FAMILIES as readonly string[]).includes(family)) return await languageModel(name, config.models);
  const close = nearest(family, FAMILIES);
  const message = `there is no model ${JSON.stringify(name)}: claude-code, codex, each also with /model, or provider/model of ${MODEL_PROVIDERS.join(', ')}`;
  throw new SeedError('invalid_input', message, {
    details: [{ path: 'model', message }],
    ...(close === undefined ? {} : { hint: `did you mean ${[close, ...rest].join('/')}?` }),
  });
}

function isCodingCli(name: string): name is CodingCli['name'] {
  return (CODING_CLIS as readonly string[]).includes(name);
}
