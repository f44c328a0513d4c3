// Who asks: what the composition root wires into the surfaces and the gate.
export { loadAdminToken } from './admin-token.ts';
export { createIdentity } from './identity.ts';
export { pruneActivity } from './store.ts';
