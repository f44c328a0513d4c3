// Ways from any value `r` to the Function of the realm it was made in. `topOf` walks to the last prototype.

export const CHAIN_TOOLS = `
const topOf = (value) => { let top = value; for (let next = top; next !== null; next = Object.getPrototypeOf(next)) top = next; return top; };
`;

/** Expressions; those that spell it out are refused by the policy, the others get past it. */
export const CHAINS: Readonly<Record<string, string>> = {
  plain: 'r.constructor.constructor',
  computed: "r['const' + 'ructor']['construct' + 'or']",
  prototype: "Object.getPrototypeOf(r)['construct' + 'or']['construct' + 'or']",
  top: "topOf(r)['construct' + 'or']['construct' + 'or']",
  method: "topOf(r).toString['construct' + 'or']",
  descriptor: "Object.getOwnPropertyDescriptor(topOf(r), 'constructor').value['construct' + 'or']",
  reflect: "Reflect.get(Reflect.get(r, 'constructor', r), 'constructor')",
  accessor: "topOf(r).__lookupGetter__['construct' + 'or']",
  bound: "topOf(r).valueOf.bind(1)['construct' + 'or']",
  borrowed: "topOf(r).isPrototypeOf.call['construct' + 'or']",
  construct: "((maker) => (...text) => Reflect.construct(maker, text))(topOf(r)['construct' + 'or']['construct' + 'or'])",
  error: "(() => { try { topOf(r).valueOf.call(null); } catch (error) { return error['construct' + 'or']['construct' + 'or']; } })()",
  thrower: "Object.getOwnPropertyDescriptor(Object.getPrototypeOf(topOf(r).toString), 'caller').get['construct' + 'or']",
  found:
    "(() => { for (let at = r; at !== null; at = Object.getPrototypeOf(at)) for (const key of Reflect.ownKeys(at)) { const one = Object.getOwnPropertyDescriptor(at, key); for (const value of [one.value, one.get, one.set]) if (typeof value === 'function') return topOf(value)['construct' + 'or']['construct' + 'or']; } })()",
};
