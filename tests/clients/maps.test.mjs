// Google's clients of its map: geocoding, and the validation of addresses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressValidationClient } from '@googlemaps/addressvalidation';
import { Client } from '@googlemaps/google-maps-services-js';
import { keyed, rest } from './support/google.mjs';
import { simulators } from './support/program.mjs';

const KEY = 'simulated-google-maps-key';
const PERMISSION_DENIED = 7;
const it = await simulators();

test('it finds a town by its ZIP code', async () => {
  const url = `${it.url('geocoding')}/maps/api/geocode/json`;
  const ask = (params) => new Client().geocode({ url, params });
  const { data } = await ask({ key: KEY, address: 'Round Rock, TX 78664', components: { country: 'US' } });
  assert.equal(data.status, 'OK');
  const [found] = data.results;
  const code = found.address_components.find((part) => part.types.includes('postal_code'));
  assert.equal(code.long_name, '78664');
  assert.ok(Math.abs(found.geometry.location.lat - 30.5) < 0.2, JSON.stringify(found.geometry));
  const nowhere = await ask({ key: KEY, address: 'Nowhere At All 00000' });
  assert.equal(nowhere.data.status, 'ZERO_RESULTS');
  // The client makes an error of what the API answers with 200.
  await assert.rejects(ask({ key: 'another', address: 'Round Rock, TX 78664' }), (error) => {
    assert.equal(error.response.data.status, 'REQUEST_DENIED');
    return true;
  });
});

test('it validates an address', async () => {
  const ask = (key, address) =>
    new AddressValidationClient({
      ...rest(it.url('address_validation')),
      authClient: keyed(key),
    }).validateAddress({
      address,
    });
  const address = { regionCode: 'US', addressLines: ['100 Main Street', 'Round Rock, TX 78664'] };
  const [{ result, responseId }] = await ask(KEY, address);
  assert.ok(responseId);
  assert.equal(result.verdict.validationGranularity, 'PREMISE');
  assert.equal(result.verdict.addressComplete, true);
  assert.equal(result.address.postalAddress.locality, 'Round Rock');
  assert.ok(Math.abs(result.geocode.location.latitude - 30.5) < 0.2);
  await assert.rejects(ask('another', address), { code: PERMISSION_DENIED });
});
