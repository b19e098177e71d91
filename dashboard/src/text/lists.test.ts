import fc from 'fast-check';
import { expect, it } from 'vitest';
import { foldZips, readList, readSettings, readTowns, writeTowns } from './lists';

it('reads lists with commas, breaks and repeats', () => {
  expect(readList(' 78664, 78665\n78664;786xx ')).toEqual(['78664', '78665', '786xx']);
  expect(readList('\n ')).toEqual([]);
});

it('reads back whatever towns it wrote', () => {
  const town = fc.record({
    name: fc.stringMatching(/^[A-Z][a-z]{2,8}( [A-Z][a-z]{2,8})?$/),
    state: fc.constantFrom('TX', 'CA', 'NY'),
  });
  fc.assert(
    fc.property(fc.array(town), (towns) => {
      expect(readTowns(writeTowns(towns))).toEqual({ towns, faults: [] });
    }),
  );
});

it('says which line has no state', () => {
  const { towns, faults } = readTowns('Round Rock, tx\n\nAustin\nCedar Park TX');
  expect(towns).toEqual([
    { name: 'Round Rock', state: 'TX' },
    { name: 'Cedar Park', state: 'TX' },
  ]);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain('Line 3');
});

it('folds ZIP codes by how they begin', () => {
  expect(foldZips(['78701', '78664', '78702', '786xx'])).toEqual([
    { prefix: '786', count: 2 },
    { prefix: '787', count: 2 },
  ]);
});

it('reads settings line by line, and says which it cannot read', () => {
  expect(readSettings(' channel: C0123 \n\nurl = https://a.example/x?y=z')).toEqual({
    settings: { channel: 'C0123', url: 'https://a.example/x?y=z' },
    faults: [],
  });
  expect(readSettings('channel\nteam: T1')).toEqual({
    settings: { team: 'T1' },
    faults: ['Line 1: write “channel” as a name and its value, as in channel: C0123456789.'],
  });
});
