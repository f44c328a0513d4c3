// Help for one command: usage, flags with their types and defaults, examples.
import { Command, Option, type Help } from 'commander';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import type { Flag, GlobalFlag } from '#operation/flag.ts';

import { flagsOf, isShown } from '#operation/command-flags.ts';
import { exampleCommand, flagDescription, flagTerm, usageOf } from '#operation/usage.ts';
import type { HelpStyle } from './help-style.ts';
import { wrap } from './text-width.ts';

export function commandHelp(entry: CatalogueEntry, style: HelpStyle): string {
  const { own, global } = flagsOf(entry);
  const command = new Command(entry.name);
  command.configureHelp({
    helpWidth: style.width,
    formatHelp: (target, helper) => flagSections(target, helper, style),
    optionTerm: (option) => option.flags,
    optionDescription: (option) => option.description,
  });
  command.helpOption(false);
  for (const flag of own) command.addOption(shownOption(flag).helpGroup('Flags'));
  for (const flag of global) if (isShown(flag, entry)) command.addOption(shownOption(listHint(flag, entry)).helpGroup(groupOf(flag)));
  return [
    `${entry.name}: ${entry.summary}\n`,
    entry.description === undefined ? '' : `${wrap(entry.description, style.width)}\n`,
    `${style.heading('Usage')}\n  ${usageOf(entry)}${own.length + global.length > 0 ? ' [flags]' : ''}\n${aliasLine(entry)}`,
    command.helpInformation(),
    entry.examples.length === 0
      ? ''
      : `${style.heading('Examples')}\n${entry.examples.map((example) => exampleLines(entry, example)).join('')}`,
    `seed help exit-codes, seed help output, seed help input say what holds for all commands\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

/** Long names stand in one line, whether there is a letter before them or not. */
function shownOption(flag: Flag): Option {
  const option = new Option(`--${flag.name}`, flagDescription(flag));
  option.flags = flag.short === undefined ? `    ${flagTerm(flag)}` : flagTerm(flag);
  return option;
}

function listHint(flag: GlobalFlag, entry: CatalogueEntry): Flag {
  const fields = Object.keys(entry.fields ?? {}).join(', ');
  const property = (entry.input['properties'] as Readonly<Record<string, { default?: unknown }>> | undefined)?.[flag.member];
  const known = property?.default === undefined || flag.type === 'array' ? flag : { ...flag, default: property.default };
  return flag.name === 'sort' || flag.name === 'filter' ? { ...known, summary: `${flag.summary}; fields: ${fields}` } : known;
}

function groupOf(flag: GlobalFlag): string {
  return flag.shown === 'list' ? 'List flags' : flag.shown === 'always' && flag.name !== 'follow' ? 'Flags of every command' : 'Flags';
}

function flagSections(command: Command, helper: Help, style: HelpStyle): string {
  const width = helper.padWidth(command, helper);
  const groups = helper.groupItems([...command.options], [...command.options], (option) => option.helpGroupHeading ?? 'Flags');
  return [...groups]
    .map(([heading, options]) => {
      const lines = options.map((option) => helper.formatItem(helper.optionTerm(option), width, helper.optionDescription(option), helper));
      return `${style.heading(heading)}\n${lines.join('\n')}\n`;
    })
    .join('\n');
}

function exampleLines(entry: CatalogueEntry, example: CatalogueEntry['examples'][number]): string {
  return `  # ${example.summary}\n  ${exampleCommand(entry, example.input)}\n`;
}

function aliasLine(entry: CatalogueEntry): string {
  return entry.aliases === undefined ? '' : `  also: ${entry.aliases.map((alias) => `seed ${alias}`).join(', ')}\n`;
}
