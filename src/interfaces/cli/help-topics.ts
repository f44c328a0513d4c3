// `seed help <topic>`: what holds for all commands.
import { EXIT_CODES } from '#operation/exit-codes.ts';

export const HELP_TOPICS: Readonly<Record<string, { summary: string; text: () => string }>> = {
  'exit-codes': {
    summary: 'what the exit code says',
    text: () => EXIT_CODES.map(([code, meaning]) => `${String(code).padStart(5)}  ${meaning}\n`).join(''),
  },
  output: {
    summary: 'table, JSON, YAML; what goes where',
    text: () => `Standard output has the data and nothing else; errors, questions and remarks go to standard error.

  --format table   for people, and the default, also in a pipe. Cut to the width of a terminal, never in a pipe.
                   Columns and wording may change between versions.
  --format json    for programs, and stable: a thing is its object, a list is {"items": […], "page_info": {…}}, a stream
                   is one JSON object a line. Names are snake_case, times are ISO 8601 in UTC.
  --format yaml    the same as YAML; a stream is one document for each item.
  --quiet          ids, one a line; nothing where there is no id.
  --output FILE    to a file, which appears whole or not at all.
  --verbose        each request with its time, on standard error.

With --format json an error is one line of JSON on standard error: {code, message, details?, hint?, retryable}.
Colours follow NO_COLOR, FORCE_COLOR and TERM.
`,
  },
  input: {
    summary: 'values from files and pipes, batches, questions',
    text: () => `  --name value, --name=value, -n value        a flag; a switch is --name, --no-name or --name=false
  seed agents:status packer                   the first words fill the members that the usage names, in its order
  --value @file, --value -                    the content of a file, or standard input; a text that begins with @: @@…
  --config key=value --config other=2         an object, member by member; or whole, as JSON
  --tools a,b --tools c                       a list; or whole, as JSON
  --batch inputs.jsonl, --batch -             one JSON object with the members of the input on each line; flags are its
                                              defaults. Each line is answered by {line, ok, data} or {line, ok, error}.
  --interactive                               asks for what is missing. Nothing is ever asked without a terminal.
  --dry-run                                   the plan of the node, with "applied": false; nothing changes.
  --confirm, --confirm=packer                 a dangerous command goes on without asking; with a name only if it is about that.
`,
  },
  lists: {
    summary: 'paging, filters, search, order',
    text: () => `  --filter field=value     also != (is not), ~ (contains), < and >; given twice, both must hold
  --search text            in the fields that name things
  --sort field --order desc
  --page 2 --limit 50      at most 100 on a page; page_info says how many there are

The fields of a list are in its help: seed agents:list --help
`,
  },
  connection: {
    summary: 'which node is asked',
    text: () => `A command talks to a running node. It is the one that

  1. SEED_URL names, with the token in SEED_TOKEN; else
  2. left its address (node.json) and its token (admin.token) in the data folder: DATA_DIR, or ./data.

Both variables may stand in .env. Without a node a command ends with exit code 7; "npm start" starts one.
`,
  },
};
