import { describe, expect, test } from 'vitest';
import { apply, constant, parameter, type Expression } from './expression.ts';
import { individual, type Individual, type Origin } from './individual.ts';
import { admit, creditOf, newIsland, type Fitness, type Island } from './island.ts';

const fitness: Fitness = ({ cost, size }) => cost + size / 1_000;

function member(cost: number, given: { genome?: Expression; origin?: Origin } = {}): Individual {
  return Object.assign(individual([given.genome ?? parameter(0)], given.origin), { cost, scores: [cost] });
}

/** Costs 1, 2, 3 and 4, and what is offered to it. */
function islandWith(child: Individual): Island {
  const island = newIsland(0);
  admit(
    island,
    [1, 2, 3, 4].map((cost) => member(cost)),
    { fitness, capacity: 4 },
  );
  admit(island, [child], { fitness, capacity: 4 });
  return island;
}

/** Of a child of such a parent that was offered to the island. */
function credited(cost: number, parentCost: number, given: { genome?: Expression; parentSize?: number } = {}): number {
  const origin: Origin = { variation: 'growth', parent: { cost: parentCost, size: given.parentSize ?? 1 } };
  const child = member(cost, { ...given, origin });
  return creditOf(child, islandWith(child), fitness);
}

describe('credit of a child', () => {
  test('nothing when it is not kept', () => {
    expect(credited(5, 9)).toBe(0);
    expect(credited(Infinity, 2)).toBe(0);
  });

  test('its gain over its parent, against the width of its island', () => {
    expect(credited(1.5, 2.5)).toBeCloseTo(1 / 2, 9);
    expect(credited(2.5, 2.9)).toBeCloseTo(0.4 / 2, 9);
  });

  test('at most one, however far it comes', () => {
    expect(credited(0.1, 1e9)).toBe(1);
    expect(credited(0.1, Infinity)).toBe(1);
  });

  test('a little when it is kept and no better than its parent', () => {
    expect(credited(2.5, 2.5)).toBe(0.1);
    expect(credited(2.5, 1)).toBe(0.1);
  });

  test('being smaller is a gain too, as everywhere in the search', () => {
    expect(credited(1.5, 1.5, { parentSize: 900 })).toBeGreaterThan(0.4);
    expect(credited(1.5, 1.9, { genome: apply('add', parameter(0), constant(1)) })).toBeLessThan(credited(1.5, 1.9));
  });

  test("nobody's when nobody bred it", () => {
    const founder = member(0.5);
    expect(creditOf(founder, islandWith(founder), fitness)).toBe(0);
  });

  test('all alike: it is kept, no more', () => {
    const island = newIsland(0);
    const child = member(1, { origin: { variation: 'hoist', parent: { cost: 3, size: 1 } } });
    admit(island, [member(1), child], { fitness, capacity: 4 });
    expect(creditOf(child, island, fitness)).toBe(0.1);
  });
});
