// The language models of the two coding agents' command lines, under the path that users know.
export { claudeCliLanguageModel, codexCliLanguageModel } from '../../src/models.ts';
