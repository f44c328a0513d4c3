// Names of states as people read them.
export function words(name: string): string {
  return name.replaceAll('_', ' ');
}
