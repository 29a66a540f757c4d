import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chain, type Chained } from '../../src/core/chain.js';

class Item implements Chained<Item> {
  readonly name: number;
  before: Item | undefined;
  after: Item | undefined;

  constructor(name: number) {
    this.name = name;
  }
}

describe('a chain', () => {
  it('has what was pushed and not removed, in the order in which it was pushed', () => {
    const act = fc.oneof(fc.constant('push' as const), fc.nat(20));
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const chain = new Chain<Item>();
        const model: Item[] = [];
        for (const [name, what] of acts.entries()) {
          if (what === 'push') {
            const item = new Item(name);
            model.push(item);
            chain.push(item);
          } else if (model.length > 0) {
            const [gone] = model.splice(what % model.length, 1);
            chain.remove(gone!);
            expect([gone!.before, gone!.after]).toEqual([undefined, undefined]);
          }
          expect(chain.toArray()).toEqual(model);
          expect([chain.size, chain.first]).toEqual([model.length, model[0]]);
        }
      }),
    );
  });

  it('takes an item again that was removed', () => {
    const chain = new Chain<Item>();
    const [one, other] = [new Item(1), new Item(2)];
    for (const item of [one, other]) chain.push(item);
    chain.remove(one);
    chain.push(one);
    expect(chain.toArray().map(({ name }) => name)).toEqual([2, 1]);
  });
});
