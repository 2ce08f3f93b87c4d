import { route } from './route';

export const getOpenApi = route({
  method: 'get',
  path: '/openapi.json',
  summary: 'This API as an OpenAPI 3.1 document; open to anybody because it says only what the source says',
  action: 'public',
  answer: { status: 200, contentType: 'application/json' },
});

export const getDocs = route({
  method: 'get',
  path: '/docs',
  summary: 'The same for people; open to anybody like the document',
  action: 'public',
  answer: { status: 200, contentType: 'text/html; charset=utf-8' },
});

export const getDocsStyle = route({
  method: 'get',
  path: '/docs.css',
  summary: 'How that page looks; open to anybody like the page',
  action: 'public',
  answer: { status: 200, contentType: 'text/css; charset=utf-8' },
});
