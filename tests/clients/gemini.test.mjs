// Google's client of Gemini, as it speaks with Google Cloud.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, GoogleGenAI, Type } from '@google/genai';
import { bearer } from './support/google.mjs';
import { simulators } from './support/program.mjs';

const it = await simulators();
const gemini = (token) =>
  new GoogleGenAI({
    vertexai: true,
    project: 'demo',
    location: 'us',
    apiVersion: 'v1',
    httpOptions: { baseUrl: it.url('gemini') },
    googleAuthOptions: { authClient: bearer(token) },
  });
const asked = {
  model: 'gemini-3.5-flash-lite',
  contents: [
    { role: 'user', parts: [{ text: 'Hi, my name is Dana Whitfield. I want a kitchen remodel in 78664.' }] },
  ],
  config: {
    responseMimeType: 'application/json',
    responseSchema: {
      type: Type.OBJECT,
      properties: {
        name: { type: Type.STRING, nullable: true },
        project_type: { type: Type.STRING, enum: ['kitchen', 'bathroom', 'other'] },
      },
      required: ['project_type'],
    },
  },
};

test('it gets an answer in the shape that it asked for', async () => {
  const answer = await gemini().models.generateContent(asked);
  assert.equal(answer.candidates[0].finishReason, 'STOP');
  const said = JSON.parse(answer.text);
  assert.equal(said.project_type, 'kitchen');
  assert.deepEqual(Object.keys(said).sort(), ['name', 'project_type']);
  assert.ok(answer.usageMetadata.totalTokenCount > answer.usageMetadata.promptTokenCount);
  assert.equal(answer.modelVersion, asked.model);
});

test('it sees a blocked prompt', async () => {
  const fault = { fault: { kind: 'blocked' }, times: 1 };
  await it.act('gemini', 'POST', '/_sim/faults', fault);
  const answer = await gemini().models.generateContent(asked);
  assert.equal(answer.promptFeedback.blockReason, 'PROHIBITED_CONTENT');
  assert.equal(answer.text, undefined);
});

test('it is told what is wrong', async () => {
  const refused = (asked, token, status) =>
    assert.rejects(gemini(token).models.generateContent(asked), (error) => {
      assert.ok(error instanceof ApiError);
      assert.equal(error.status, status);
      return true;
    });
  await refused({ ...asked, model: 'gemini-0.1-flash' }, undefined, 404);
  await refused(asked, 'another', 401);
});
