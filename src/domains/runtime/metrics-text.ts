// The text that Prometheus reads, as data: one source for both forms.

export interface MetricFamily {
  name: string;
  type: string | null;
  help: string | null;
  samples: { name: string; labels: Record<string, string>; value: number | null }[];
}

const COMMENT = /^# (HELP|TYPE) (\S+) (.*)$/;
const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const PART = /_(?:bucket|sum|count)$/;

/** Families in the order of the text. What is neither a sample nor says something about one is left out. */
export function metricsOf(text: string): MetricFamily[] {
  const families = new Map<string, MetricFamily>();
  const family = (name: string): MetricFamily => {
    const known = families.get(name) ?? { name, type: null, help: null, samples: [] };
    families.set(name, known);
    return known;
  };
  for (const line of text.split('\n')) {
    const [, word, about = '', said = ''] = COMMENT.exec(line) ?? [];
    if (word === 'HELP') family(about).help = unescaped(said);
    else if (word === 'TYPE') family(about).type = said;
    const [, name, labels = '', value = ''] = SAMPLE.exec(line) ?? [];
    if (name === undefined) continue;
    const whole = name.replace(PART, '');
    family(families.has(whole) ? whole : name).samples.push({ name, labels: labelsOf(labels), value: numberOf(value) });
  }
  return [...families.values()];
}

function labelsOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(LABEL)].map(([, name = '', value = '']) => [name, unescaped(value)]));
}

/** JSON has no words for what is not a finite number. */
function numberOf(text: string): number | null {
  const value = Number(text);
  return text !== '' && Number.isFinite(value) ? value : null;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter));
}
