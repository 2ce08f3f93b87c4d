import { XMLBuilder, XMLParser } from 'fast-xml-parser';

/** One XML element. Text and elements never stand side by side in libvirt's documents. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

/** An element with children, or with text; values are escaped when the document is written. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  content: readonly XmlElement[] | string = [],
): XmlElement {
  return typeof content === 'string' ? { name, attributes, children: [], text: content } : { name, attributes, children: content, text: '' };
}

/**
 * Characters that XML 1.0 cannot carry at all, and the white space it would silently change in an
 * attribute (section 3.3.3). None of them belongs in a name, a path or a kernel's command line.
 */
const unwritable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** True when the text survives being written to XML and read back. */
export function isWritable(text: string): boolean {
  return !unwritable.test(text);
}

const builder = new XMLBuilder({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  format: true,
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
  processEntities: true,
});

// Entities are never expanded by the parser (a DTD could make them grow without end); the five of XML
// itself and character references are decoded below.
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
});

/** Writes the document. Throws RangeError when a value holds a character that XML cannot carry. */
export function writeXml(root: XmlElement): string {
  return `${builder.build([toOrdered(root)]).trim()}\n`;
}

/** Reads a document that libvirt wrote. Throws SyntaxError when there is no root element. */
export function readXml(text: string): XmlElement {
  const nodes = parser.parse(text) as readonly OrderedNode[];
  const root = nodes.map(fromOrdered).find((node) => node !== null);
  if (root === undefined) throw new SyntaxError(`no XML element in ${JSON.stringify(text.slice(0, 80))}`);
  return root;
}

/** The first child with this name, or undefined. */
export function child(parent: XmlElement | undefined, name: string): XmlElement | undefined {
  return parent?.children.find((each) => each.name === name);
}

export function childrenNamed(parent: XmlElement | undefined, name: string): readonly XmlElement[] {
  return parent?.children.filter((each) => each.name === name) ?? [];
}

type OrderedNode = Readonly<Record<string, unknown>>;

function toOrdered(node: XmlElement): OrderedNode {
  const values = [node.text, ...Object.values(node.attributes)];
  const bad = values.find((value) => !isWritable(value));
  if (bad !== undefined) throw new RangeError(`<${node.name}> cannot hold ${JSON.stringify(bad.slice(0, 80))}: it contains control characters`);
  const content = node.text === '' ? node.children.map(toOrdered) : [{ '#text': node.text }];
  return { [node.name]: content, ...(Object.keys(node.attributes).length === 0 ? {} : { ':@': node.attributes }) };
}

function fromOrdered(node: OrderedNode): XmlElement | null {
  const name = Object.keys(node).find((key) => key !== ':@');
  if (name === undefined || name === '#text') return null;
  const content = node[name] as readonly OrderedNode[];
  const children = content.map(fromOrdered).filter((each) => each !== null);
  const text = children.length > 0 ? '' : content.map((each) => String(each['#text'] ?? '')).join('');
  const attributes = Object.entries((node[':@'] ?? {}) as Record<string, string>).map(([key, value]) => [key, decode(value)] as const);
  return { name, attributes: Object.fromEntries(attributes), children, text: decode(text) };
}

const predefined: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));/g, (whole, hex: string, decimal: string, name: string) => {
    if (name !== undefined) return predefined[name] ?? whole;
    const code = hex === undefined ? Number.parseInt(decimal, 10) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
