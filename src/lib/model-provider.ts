// Language models by name, `provider/model`, over the AI SDK: one way for everything that asks a model.
import { SeedError } from './error.ts';
import { nearest } from './nearest.ts';
import type { LanguageModelV4 } from '@ai-sdk/provider';

export const MODEL_PROVIDERS = ['anthropic', 'openai', 'google', 'cohere', 'bedrock', 'compatible'] as const;
export type ModelProvider = (typeof MODEL_PROVIDERS)[number];

interface Access {
  apiKey?: string | undefined;
  /** Default: the provider's own. */
  baseURL?: string | undefined;
}

export interface ModelSettings {
  anthropic?: Access;
  openai?: Access;
  google?: Access;
  cohere?: Access;
  bedrock?: {
    region?: string | undefined;
    accessKeyId?: string | undefined;
    secretAccessKey?: string | undefined;
    sessionToken?: string | undefined;
    baseURL?: string | undefined;
  };
  /** Any server that speaks OpenAI's chat completions; a key is not always asked for. */
  compatible?: Access;
}

/**
 * @param name for example `anthropic/claude-sonnet-5-5`
 * @throws SeedError `invalid_input` for no such provider; `unavailable` with `details.failure` `missing_api_key` when it has no credential
 */
export async function languageModel(name: string, settings: ModelSettings): Promise<LanguageModelV4> {
  const [provider = '', ...rest] = name.split('/');
  const model = rest.join('/');
  if (!isProvider(provider) || model === '') {
    const close = nearest(provider, MODEL_PROVIDERS);
    throw new SeedError('invalid_input', `${JSON.stringify(name)} is no model: it is provider/model, of ${MODEL_PROVIDERS.join(', ')}`, {
      ...(close === undefined ? {} : { hint: `did you mean ${close}/${model}?` }),
    });
  }
  switch (provider) {
    case 'anthropic': {
      const access = keyed(provider, settings.anthropic);
      const { createAnthropic } = await import('@ai-sdk/anthropic');
      return createAnthropic(access)(model);
    }
    case 'openai': {
      const access = keyed(provider, settings.openai);
      const { createOpenAI } = await import('@ai-sdk/openai');
      return createOpenAI(access)(model);
    }
    case 'google': {
      const access = keyed(provider, settings.google);
      const { createGoogleGenerativeAI } = await import('@ai-sdk/google');
      return createGoogleGenerativeAI(access)(model);
    }
    case 'cohere': {
      const access = keyed(provider, settings.cohere);
      const { createCohere } = await import('@ai-sdk/cohere');
      return createCohere(access)(model);
    }
    case 'bedrock': {
      const { region, accessKeyId, secretAccessKey, sessionToken, baseURL } = settings.bedrock ?? {};
      if (region === undefined || accessKeyId === undefined || secretAccessKey === undefined) throw missing(provider);
      const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock');
      return createAmazonBedrock({ region, accessKeyId, secretAccessKey, ...given({ sessionToken, baseURL }) })(model);
    }
    case 'compatible': {
      const { apiKey, baseURL } = settings.compatible ?? {};
      if (baseURL === undefined) throw missing(provider);
      const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
      return createOpenAICompatible({
        name: 'compatible',
        baseURL,
        supportsStructuredOutputs: true,
        includeUsage: true,
        ...given({ apiKey }),
      })(model);
    }
  }
}

function isProvider(name: string): name is ModelProvider {
  return (MODEL_PROVIDERS as readonly string[]).includes(name);
}

/** Never from the environment, where the SDK itself would look. */
function keyed(provider: ModelProvider, access: Access | undefined): { apiKey: string; baseURL?: string } {
  if (access?.apiKey === undefined) throw missing(provider);
  return { apiKey: access.apiKey, ...given({ baseURL: access.baseURL }) };
}

const WANTED: Readonly<Record<ModelProvider, string>> = {
  anthropic: 'ANTHROPIC_API_KEY',
  openai: 'OPENAI_API_KEY',
  google: 'GOOGLE_GENERATIVE_AI_API_KEY',
  cohere: 'COHERE_API_KEY',
  bedrock: 'AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  compatible: 'MODEL_API_URL',
};

function missing(provider: ModelProvider): SeedError {
  return new SeedError('unavailable', `there is no credential for ${provider}`, {
    details: { failure: 'missing_api_key', provider },
    hint: `set ${WANTED[provider]}`,
  });
}

function given<T extends Record<string, string | undefined>>(values: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as { [K in keyof T]?: string };
}
