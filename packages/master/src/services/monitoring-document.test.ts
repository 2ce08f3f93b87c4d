import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

const root = join(__dirname, '../../../..');
const source = join(__dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Every metric that the master registers, with its labels: those of `gauge('…')` bear their prefix there. */
function registered(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const labels = (text: string): string => [...text.matchAll(/'([a-z_]+)'/g)].map(([, label = '']) => label).join(', ');
  for (const file of readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((each) => each.endsWith('.ts') && !each.endsWith('.test.ts'))) {
    const text = readFileSync(join(source, file), 'utf8');
    for (const [, name = '', rest = ''] of text.matchAll(/new (?:Gauge|Counter|Histogram)\(\{\s*name: '(paravcl_[a-z0-9_]+)',([\s\S]*?)registers/g)) found.set(name, labels(/labelNames: \[([^\]]*)\]/.exec(rest)?.[1] ?? ''));
    for (const [, name = '', said = ''] of text.matchAll(/^ {2}gauge\('([a-z0-9_]+)', (?:'[^']*'|`[^`]*`), \[([^\]]*)\]/gm)) found.set(`paravcl_${name}`, labels(said));
  }
  return found;
}

const metrics = registered();
const named = (text: string): readonly string[] => [...new Set([...text.matchAll(/paravcl_[a-z0-9_]+/g)].map(([name]) => name.replace(/_(bucket|count|sum)$/, '')))];

interface Panel { readonly id: number; readonly type: string; readonly title: string; readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }; readonly targets?: readonly { readonly expr: string }[] }
interface Rule { readonly alert: string; readonly expr: string; readonly annotations: Readonly<Record<string, string>> }

describe('the documents of monitoring', () => {
  it('have every metric with its labels in the table, and none that is not there', () => {
    const rows = [...read('docs/monitoring.md').matchAll(/^\| `(paravcl_[a-z0-9_]+)` \| ([^|]*) \|/gm)].map(([, name = '', labels = '']): [string, string] => [name, labels.trim()]);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(metrics));
    expect(metrics.size).toBeGreaterThan(25);
  });

  it('have a dashboard of panels that ask for metrics which exist, none over another', () => {
    const { panels, title } = JSON.parse(read('docs/examples/grafana-dashboard.json')) as { readonly title: string; readonly panels: readonly Panel[] };
    expect(title).toBe('ParaVCL');
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { type, targets = [], title: panel } of panels) {
      expect([panel, type === 'row' || targets.length > 0]).toEqual([panel, true]);
      for (const { expr } of targets) expect(named(expr).filter((name) => !metrics.has(name))).toEqual([]);
    }
    const over = panels.flatMap((one, index) => panels.slice(index + 1).filter(({ gridPos: b }) => one.gridPos.x < b.x + b.w && b.x < one.gridPos.x + one.gridPos.w && one.gridPos.y < b.y + b.h && b.y < one.gridPos.y + one.gridPos.h).map((other) => [one.title, other.title]));
    expect(over).toEqual([]);
  });

  it('have alerts on metrics that exist, each with what, why and the way out', () => {
    const { groups } = parse(read('docs/examples/prometheus-alerts.yml')) as { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(8);
    for (const { alert, expr, annotations } of rules) {
      expect([alert, named(expr).filter((name) => !metrics.has(name))]).toEqual([alert, []]);
      expect([alert, Object.keys(annotations).sort()]).toEqual([alert, ['summary', 'wayOut', 'why']]);
    }
  });
});
