// npm run test:clis [-- <vitest's own arguments>]: the tests that run the two real coding agents against a scripted server on loopback.
import { installClis } from './clis.ts';

process.env['SEED_CLIS'] = installClis();
process.argv.splice(2, 0, '--project', 'clis');
await import('./test.ts');
