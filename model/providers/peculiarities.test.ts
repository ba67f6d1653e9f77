import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModel } from 'ai';
import { expect, test } from 'vitest';
import { identityOf, peculiaritiesOf } from './peculiarities.ts';

const apiKey = 'k';
const PDF = /^(image\/|application\/pdf$)/;
const SPOKEN = /^(image\/|application\/pdf$|audio\/(wav|mpeg)$)/;
const named = (types: RegExp, inResults = true) => ({ files: { types, named: true, inResults } });
const stateless = { openai: { store: false } };

/** A model of a package that is not here. */
const foreign = (provider: string, supportedUrls: Record<string, RegExp[]>) =>
  ({ specificationVersion: 'v4', provider, modelId: 'm', supportedUrls }) as unknown as LanguageModel;

test.each<[LanguageModel, string, object]>([
  [
    createAmazonBedrock({ apiKey, region: 'eu-central-1' })('m'),
    'amazon-bedrock',
    {
      forbidToolsBy: 'instruction',
      callIds: 'plain',
      images: 'inline',
      files: { types: PDF, named: false, inResults: true },
    },
  ],
  [
    createAnthropic({ apiKey })('m'),
    'anthropic.messages',
    { forbidToolsBy: 'choice', callIds: 'plain', images: 'all', ...named(PDF), cacheMarks: 'anthropic' },
  ],
  [
    createOpenAI({ apiKey })('m'),
    'openai.responses',
    { forbidToolsBy: 'choice', callIds: 'plain', images: 'all', ...named(PDF), providerOptions: stateless },
  ],
  [
    createOpenAI({ apiKey }).chat('m'),
    'openai.chat',
    { forbidToolsBy: 'choice', callIds: 'plain', maxCalls: 128, images: 'all', ...named(SPOKEN, false) },
  ],
  [
    createGoogle({ apiKey })('m'),
    'google.generative-ai',
    { forbidToolsBy: 'choice', callIds: 'any', images: 'inline', ...named(/^/) },
  ],
  [
    // It takes URLs of images, with their exact types.
    createGoogle({ apiKey })('gemini-3-flash'),
    'google.generative-ai',
    { forbidToolsBy: 'choice', callIds: 'any', images: 'inline', ...named(/^/) },
  ],
  [
    foreign('azure.responses', { '*': [/^https:/] }),
    'azure.responses',
    { forbidToolsBy: 'choice', callIds: 'plain', images: 'all', ...named(PDF), providerOptions: stateless },
  ],
  [
    foreign('vertex.anthropic.messages', { 'image/png': [/^https:/] }),
    'vertex.anthropic.messages',
    { forbidToolsBy: 'choice', callIds: 'plain', images: 'inline', ...named(PDF) },
  ],
  [
    // It would refuse an address without the exact type.
    foreign('google.vertex', { '*': [/^https:/] }),
    'google.vertex',
    { forbidToolsBy: 'choice', callIds: 'any', images: 'inline', ...named(/^/) },
  ],
  [
    createOpenAICompatible({ name: 'house', baseURL: 'http://127.0.0.1/v1' })('m'),
    'house.chat',
    { forbidToolsBy: 'choice', callIds: 'any', maxCalls: 128, images: 'inline', ...named(SPOKEN, false) },
  ],
  [
    'm',
    'gateway',
    { forbidToolsBy: 'choice', callIds: 'any', images: 'all', ...named(/^/), providerOptions: stateless },
  ],
])('what $1 takes in a request follows from its package', async (model, provider, expected) => {
  expect(identityOf(model).provider).toBe(provider);
  expect(await peculiaritiesOf(model)).toEqual(expected);
});
