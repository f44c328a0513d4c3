// The one function a host holds of a context: every entry goes through it, by its word.
import type { GuestCalls } from './calls.ts';
import type { GuestSettings, StateCell } from './guest-call.ts';
import type { Examination } from './examination.ts';
import type { Box, Realm } from './realm.ts';

/** A word and what it takes (see the switch below; no destructuring there: it would go through an iterator the agent can replace). Gives a text, or a box that is complete when the entry's microtasks have run. */
export type GuestEntry = (word: string, ...values: (string | number | boolean)[]) => string | Box | undefined;

export function guestRuntime(
  realm: Realm,
  tools: {
    calls: GuestCalls;
    examination: Examination;
    describe: (error: unknown) => string;
    configure: (settings: GuestSettings) => void;
  },
): GuestEntry {
  const { calls, examination, describe } = tools;
  const { apply, global, keys, parse, stringify, TypeError } = realm;
  let module: Record<string, unknown> = {};
  let functions: Record<string, unknown> = {};
  let session: StateCell = { value: undefined, isCopied: false };

  /** What a bundle left in its global; it is taken away, so that the next script can not see it. */
  const adopt = (): Record<string, unknown> => {
    const adopted = global['__seed_module'];
    global['__seed_module'] = undefined;
    return typeof adopted === 'object' && adopted !== null ? (adopted as Record<string, unknown>) : {};
  };

  /** Own members that are functions, by name. Bundles export through getters: read once, they cost nothing later. */
  const functionsOf = (value: unknown): Record<string, unknown> => {
    const found: Record<string, unknown> = {};
    if (typeof value !== 'object' || value === null) return found;
    const names = keys(value);
    for (let index = 0; index < names.length; index += 1) {
      const name = names[index] as string;
      const member = (value as Record<string, unknown>)[name];
      if (typeof member === 'function') found[name] = member;
    }
    return found;
  };

  const listed = (names: readonly string[]): string => {
    let list = '';
    for (let index = 0; index < names.length; index += 1) list += `${index === 0 ? '' : ','}${stringify(names[index])}`;
    return `[${list}]`;
  };

  const inBox = (work: () => unknown): Box => {
    const box: Box = { out: '' };
    realm.box = { out: '' };
    const settle = async (): Promise<void> => {
      try {
        const value = await work();
        const json = value === undefined ? 'null' : stringify(value);
        if (json === undefined) throw new TypeError(`a ${typeof value} is not JSON`);
        box.out = `value\t${json}`;
      } catch (error) {
        box.out = `threw\t${describe(error)}`;
      }
    };
    void settle();
    return box;
  };

  return (word, ...values) => {
    switch (word) {
      case 'start': {
        return calls.start({
          seq: values[0] as number,
          exportName: values[1] as string,
          inputJson: values[2] as string,
          keyJson: values[3] as string,
          principalJson: values[4] as string,
          timeMs: values[5] as number,
          seed: values[6] as number,
        });
      }
      case 'deliver': {
        return calls.deliver({
          seq: values[0] as number,
          request: values[1] as number,
          timeMs: values[2] as number,
          ok: values[3] as boolean,
          json: values[4] as string,
        });
      }
      case 'grant':
        return calls.grant({ seq: values[0] as number, chunks: values[1] as number, chars: values[2] as number });
      case 'leave':
        return calls.leave(values[0] as number);
      case 'forget':
        calls.forget(values[0] as number);
        return '';
      // After an entry that ended in a rejection nobody handled: what it had to say is still in its box.
      case 'collect':
        return realm.box.out;
      case 'clock':
        realm.turn = { timeMs: values[0] as number, seed: values[1] as number, generator: null, log: null };
        return '';
      case 'configure':
        tools.configure(parse(values[0] as string) as GuestSettings);
        return '';
      // {"call": […], "functions": […]}: what the default export and the module offer.
      case 'serve': {
        module = adopt();
        functions = functionsOf(module);
        const target = module['default'];
        calls.serve(typeof target === 'object' && target !== null ? (target as Record<string, unknown>) : {}, functions['codeChange']);
        return `{"calls":${listed(keys(functionsOf(target)))},"functions":${listed(keys(functions))}}`;
      }
      case 'examine':
        examination.adopt(adopt());
        return examination.describe();
      case 'open':
        return examination.open(values[0] as string, values[1] as number);
      case 'sample':
        return examination.sample(values[0] as string, values[1] as number);
      case 'next':
        return examination.next(values[0] as string);
      case 'inside':
        return examination.inside({
          set: values[0] as string,
          seed: values[1] as number,
          candidate: functions,
          sampleJson: values[2] as string | undefined,
        });
      // Begins a session, or goes on with one: its state starts empty, or as the text says, and lives here until the next one.
      case 'session':
        session = {
          value: values[1] === undefined ? undefined : (parse(values[1] as string) ?? undefined),
          isCopied: values[0] === 'copied',
        };
        calls.keepState(session);
        return '';
      // The session's state, serialised once at its end: what can not be kept must not be scored.
      case 'state':
        return inBox(() => session.value);
      case 'value': {
        const member = adopt()[values[0] as string];
        return inBox(() => (typeof member === 'function' ? apply(member, undefined, []) : member));
      }
      default:
        throw new TypeError(`no entry ${word}`);
    }
  };
}
