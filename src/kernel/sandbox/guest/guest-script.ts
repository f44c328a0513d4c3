// The script that makes a context a guest: put together from the text of this folder's functions, so that they can be typed,
// linted and tested like all others, and run in a realm that shares nothing with this one.
import { installAbort } from './abort.ts';
import { callContexts } from './call-context.ts';
import { guestCalls } from './calls.ts';
import { installClock } from './clock.ts';
import { installConsole } from './console.ts';
import { errorDescriber } from './describe-error.ts';
import { examination } from './examination.ts';
import { installLazily } from './lazy-globals.ts';
import { lockDown } from './lock-down.ts';
import { seededRandom } from './random.ts';
import { captureRealm } from './realm.ts';
import { guestRuntime } from './runtime.ts';
import { guestStreams } from './streams.ts';
import { installStructuredClone } from './structured-clone.ts';
import { installTextEncoding } from './text-encoding.ts';
import { urlHost } from './url-host.ts';
import { installUrlSearchParams } from './url-search-params.ts';
import { urlRecords } from './url-record.ts';
import { installUrl } from './url.ts';

/** Evaluates to the context's `GuestEntry`. */
export function guestScript(): string {
  return `(() => {
'use strict';
const realm = (${captureRealm})();
const seededRandom = ((Math) => ${seededRandom})({ floor: Math.floor });
const randomOf = (turn) => (turn.generator ??= seededRandom(turn.seed))();
(${lockDown})(realm);
(${installClock})(realm, randomOf);
(${installConsole})(realm);
(${installLazily})(realm, [
  { names: ['TextEncoder', 'TextDecoder'], install: ${installTextEncoding} },
  { names: ['structuredClone'], install: ${installStructuredClone} },
  { names: ['AbortController', 'AbortSignal'], install: ${installAbort} },
  { names: ['URL', 'URLSearchParams'], install: (global) => {
    const host = (${urlHost})();
    (${installUrl})(global, { host, records: (${urlRecords})(host), params: (${installUrlSearchParams})(global, host) });
  } },
]);
const describe = (${errorDescriber})(realm);
let settings = { agent: '', capabilities: [], limits: { outputBytes: 0, chunkBytes: 0, stateBytes: 0, logLines: 0 } };
const contexts = (${callContexts})(realm, { settings: () => settings, randomOf });
const streamsOf = (${guestStreams})(realm, { settings: () => settings, describe });
const calls = (${guestCalls})(realm, { contexts, describe, settings: () => settings, streamsOf });
const examination = (${examination})(realm, { describe, seededRandom });
return (${guestRuntime})(realm, { calls, examination, describe, configure: (given) => { settings = given; } });
})()`;
}
