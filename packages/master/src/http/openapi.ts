import { eventSchema } from '@paravcl/shared/api/events';
import { operationSchema } from '@paravcl/shared/api/operations';
import { problemSchema } from '@paravcl/shared/api/problem';
import type { RouteContract } from '@paravcl/shared/api/route';
import { deploymentSchema } from '@paravcl/shared/domain/deployment';
import { imageFamilySchema, imageSchema } from '@paravcl/shared/domain/image';
import { instanceSchema } from '@paravcl/shared/domain/instance';
import { groupSchema, userSchema } from '@paravcl/shared/domain/people';
import { slaveSchema } from '@paravcl/shared/domain/slave';
import { templateSchema } from '@paravcl/shared/domain/template';
import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { problemType } from './problem';

export type OpenApiDocument = ReturnType<typeof createDocument>;

/** The nouns that several routes answer, by name. */
const named = {
  User: userSchema,
  Group: groupSchema,
  Slave: slaveSchema,
  Image: imageSchema,
  ImageFamily: imageFamilySchema,
  Template: templateSchema,
  Instance: instanceSchema,
  Deployment: deploymentSchema,
  Operation: operationSchema,
  Event: eventSchema,
  Problem: problemSchema,
};

/** The OpenAPI 3.1 document of these contracts: what is parsed and answered, from the same schemas. */
export function openApiDocument(contracts: readonly RouteContract[]): OpenApiDocument {
  const paths: ZodOpenApiPathsObject = {};
  for (const contract of contracts) {
    const path = contract.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [contract.method]: operation(contract) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'ParaVCL',
      version: '1',
      description: 'The virtual computing lab. Errors are application/problem+json with a stable `code`; every POST takes an `Idempotency-Key`; lists come in pages, newest first.',
    },
    servers: [{ url: '/api/v1' }],
    paths,
    components: {
      schemas: named,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'Token of POST /sessions with transport "bearer".' },
        cookie: { type: 'apiKey', in: 'cookie', name: '__Host-paravcl', description: 'Set by POST /sessions. Requests that change something need the same origin.' },
      },
    },
  });
}

const idempotencyKey = z.object({
  'Idempotency-Key': z.string().max(100).optional().meta({ description: 'Chosen by the client, new for each new request: the same request under the same key is done once. Keys are kept for a day.' }),
});

function operation(contract: RouteContract): ZodOpenApiOperationObject {
  const { answer, body } = contract;
  const type = answer.contentType ?? (answer.schema === undefined ? undefined : 'application/json');
  return {
    summary: contract.summary,
    operationId: `${contract.method}${contract.path.replace(/[/:.-]+(\w)/g, (_match, letter: string) => letter.toUpperCase())}`,
    tags: [contract.path.split('/')[1] ?? ''],
    security: contract.action === 'public' ? [] : [{ bearer: [] }, { cookie: [] }],
    requestParams: {
      ...(contract.params === undefined ? {} : { path: contract.params }),
      ...(contract.query === undefined ? {} : { query: contract.query }),
      ...(contract.method === 'post' && contract.action !== 'public' && body !== 'stream' ? { header: idempotencyKey } : {}),
    },
    ...(body === undefined
      ? {}
      : { requestBody: { required: body === 'stream' || !body.safeParse({}).success, content: body === 'stream' ? { 'application/octet-stream': {} } : { 'application/json': { schema: body } } } }),
    responses: {
      [String(answer.status) as '200']: {
        description: contract.summary,
        ...(type === undefined ? {} : { content: { [type]: answer.schema === undefined ? {} : { schema: answer.schema } } }),
      },
      ...(answer.ranges === true ? { '206': { description: 'The range that was asked for', content: { [type ?? 'application/octet-stream']: {} } } } : {}),
      default: { description: 'What went wrong, and the way out', content: { [problemType]: { schema: problemSchema } } },
    },
  };
}
