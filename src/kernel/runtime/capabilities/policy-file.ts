// Reads the policy file: strict JSON, and every complaint with the line it is about.
import { LineCounter, parseDocument } from 'yaml';
import { SeedError } from '#lib/error.ts';
import { Policy, policySchema, type PolicyOptions } from './policy.ts';

/**
 * @param options.file shown in messages
 * @throws SeedError `configuration` with file, line and reason
 */
export function readPolicy(text: string, options: { file: string; secret: PolicyOptions['secret'] }): Policy {
  const { file, secret } = options;
  const refuse = (message: string, cause?: unknown): SeedError =>
    new SeedError('configuration', `POLICY_FILE: ${message}`, { cause, hint: 'see docs/operating.md, "What agents may be granted"' });
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw refuse(`${file} is not JSON: ${(error as Error).message}`, error);
  }
  const lines = new LineCounter();
  // All JSON is YAML: read again for the lines, and for members that are there twice, of which JSON.parse takes the last.
  const document = parseDocument(text, { lineCounter: lines, schema: 'json' });
  const [twice] = document.errors;
  if (twice !== undefined) throw refuse(`${file}:${lines.linePos(twice.pos[0]).line}: ${twice.message.split('\n', 1)[0]}`);
  const where = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
      if (node?.range !== undefined) return `${file}:${lines.linePos(node.range[0]).line}`;
    }
    return `${file}:1`;
  };
  const parsed = policySchema.safeParse(data);
  if (!parsed.success) {
    const shown = parsed.error.issues.map((issue) => {
      const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
      const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
      return `${where(path)}: ${path.length === 0 ? '' : `${path.join('.')}: `}${message}`;
    });
    throw refuse(shown.slice(0, 20).join('\n'));
  }
  try {
    return new Policy(parsed.data, { secret, where });
  } catch (error) {
    throw refuse((error as Error).message, error);
  }
}
