import addFormats from 'ajv-formats';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';
import type { OpenApiDocument } from '../../src/http/openapi';

/** Judges real answers by the document that clients are generated from. Throws where they differ. */
export class OpenApiCheck {
  private readonly ajv: Ajv2020;
  private readonly validators = new Map<string, ValidateFunction>();

  constructor(private readonly document: OpenApiDocument) {
    this.ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats(this.ajv);
    this.ajv.addSchema(document, 'api');
  }

  /**
   * @param path as it was called, without prefix and query: /users/0199…
   */
  check(method: string, path: string, status: number, contentType: string | null, body: unknown): void {
    const template = this.template(method, path);
    // Addresses that are not in the document are answered as problems, like everything else.
    const responses = template === null ? {} : (this.operation(template, method)?.['responses'] as Record<string, unknown>);
    const answer = responses[String(status)] === undefined ? 'default' : String(status);
    if (answer === 'default' && status < 400) throw new Error(`${method} ${path} answers ${status}, which the document does not know.`);
    const type = (contentType ?? '').split(';')[0] ?? '';
    if (answer === 'default') {
      if (type !== 'application/problem+json') throw new Error(`${method} ${path} answers ${status} as "${type}", not as a problem.`);
      this.validate('api#/components/schemas/Problem', `${method} ${path} ${status}`, body);
      return;
    }
    const content = Object.keys((responses[answer] as { content?: object }).content ?? {}).map((announced) => announced.split(';')[0]);
    if (content.length === 0) {
      if (body !== undefined) throw new Error(`${method} ${path} answers a body where the document has none.`);
      return;
    }
    if (!content.includes(type)) throw new Error(`${method} ${path} answers "${type}", not ${content.join(', ')}.`);
    if (type !== 'application/json' || template === '/openapi.json') return;
    const pointer = ['paths', template ?? '', method.toLowerCase(), 'responses', answer, 'content', type, 'schema'].map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/');
    this.validate(`api#/${pointer}`, `${method} ${path} ${status}`, body);
  }

  private validate(reference: string, what: string, body: unknown): void {
    const validator = this.validators.get(reference) ?? this.ajv.compile({ $ref: reference });
    this.validators.set(reference, validator);
    if (!validator(body)) throw new Error(`The answer of ${what} is not what the document says: ${this.ajv.errorsText(validator.errors)}\n${JSON.stringify(body)}`);
  }

  private operation(template: string, method: string): Record<string, unknown> | undefined {
    return (this.document.paths?.[template] as Record<string, Record<string, unknown>> | undefined)?.[method.toLowerCase()];
  }

  /** The path of the document that this one is of; literal ones go before those with parameters. */
  private template(method: string, path: string): string | null {
    const given = path.split('/');
    const fitting = Object.keys(this.document.paths ?? {}).filter((template) => {
      const wanted = template.split('/');
      return this.operation(template, method) !== undefined && wanted.length === given.length && wanted.every((part, i) => part.startsWith('{') || part === given[i]);
    });
    return fitting.sort((one, other) => one.split('{').length - other.split('{').length)[0] ?? null;
  }
}
