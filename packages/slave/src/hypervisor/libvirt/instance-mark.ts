import { child, element, type XmlElement } from './xml';

/** XML namespace of the mark in a domain's `<metadata>`. */
export const markNamespace = 'https://paravcl.org/xmlns/instance/1';
const prefix = 'paravcl';

/**
 * Says whose a domain is. Only domains whose mark bears this slave's id are ours; every other one is
 * foreign and is never touched.
 */
export interface InstanceMark {
  readonly instanceId: string;
  readonly generation: number;
  readonly slaveId: string;
  /** SHA-256 of the definition without its mark: tells whether a new definition differs in more than the generation. */
  readonly definition: string;
}

/** The mark with its namespace declared, as it stands below `<metadata>`. */
export function markElement(mark: InstanceMark): XmlElement {
  return element(`${prefix}:instance`, { [`xmlns:${prefix}`]: markNamespace, ...attributesOf(mark) });
}

/** The mark without prefix, as `virsh metadata --set` takes it. */
export function bareMarkElement(mark: InstanceMark): XmlElement {
  return element('instance', attributesOf(mark));
}

/** Key for `virsh metadata --key`: the namespace prefix libvirt stores the mark under. */
export const markKey = prefix;

/** The mark of a domain's XML, or null when it bears none of ours or an unreadable one. */
export function readMark(domain: XmlElement): InstanceMark | null {
  const found = child(domain, 'metadata')?.children.find((each) => {
    const [before, after] = each.name.split(':');
    const declared = after === undefined ? each.attributes['xmlns'] : each.attributes[`xmlns:${before ?? ''}`];
    return declared === markNamespace && (after ?? before) === 'instance';
  });
  if (found === undefined) return null;
  const { id, slave, definition } = found.attributes;
  const generation = Number(found.attributes['generation']);
  if (id === undefined || slave === undefined || !Number.isSafeInteger(generation) || generation < 1) return null;
  return { instanceId: id, generation, slaveId: slave, definition: definition ?? '' };
}

function attributesOf(mark: InstanceMark): Record<string, string> {
  return { id: mark.instanceId, generation: String(mark.generation), slave: mark.slaveId, definition: mark.definition };
}
