// A server may say back what it was sent: the node's own headers are taken out of its answer before the agent gets it.
import type { SecretHeader } from '../policy.ts';
import type { ExchangeResponse } from './exchange.ts';

const REDACTED = '[redacted]';

export function redactSecrets(response: ExchangeResponse, secrets: readonly SecretHeader[]): ExchangeResponse {
  // With and without its prefix.
  const forms = secrets.flatMap(({ value }) => [value, ...value.split(' ').slice(1)]).filter((form) => form.length >= 4);
  if (forms.length === 0) return response;
  const clean = (text: string): string => forms.reduce((current, form) => current.replaceAll(form, REDACTED), text);
  const bytes = response.body.toString('latin1');
  const cleaned = clean(bytes);
  return {
    ...response,
    headers: new Map([...response.headers].map(([name, value]) => [name, clean(value)])),
    body: cleaned === bytes ? response.body : Buffer.from(cleaned, 'latin1'),
  };
}
