/**
 * Checks the rules of boundaries.mjs. Part of `npm run lint`.
 *
 *   node packages/workbench/check-boundaries.mjs [--root DIRECTORY] [--any-number]
 *
 * Prints each violation as `file:line sentence` and ends with exit code 1 when there is one, or when it saw too few
 * files to mean anything (`--any-number` turns that off, for the small trees of its own test).
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';
import * as rules from './boundaries.mjs';

const { values: options } = parseArgs({ options: { root: { type: 'string' }, 'any-number': { type: 'boolean' } } });
const root = resolve(options.root ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..'));

/** `{file, line, sentence}`, in the order found. */
const violations = [];
const report = (file, line, sentence) => violations.push({ file, line, sentence });

const files = [
  ...['shared', 'master', 'slave', 'portal', 'cli', 'workbench'].flatMap((name) => [...sourcesBelow(`packages/${name}/src`), ...sourcesBelow(`packages/${name}/test`)]),
  ...sourcesIn('packages/workbench'),
  ...sourcesIn('migrations'),
];
const sources = new Map(files.map((file) => [file, readSource(file)]));

for (const [file, source] of sources) {
  checkName(file);
  for (const found of source.imports) checkImport(file, found);
  checkPrograms(file, source);
  if (rules.pureFiles.test(file) && !isTest(file)) checkPurity(file, source.tree);
}
checkCycles();
if (options['any-number'] !== true) checkNumbers();

for (const { file, line, sentence } of violations) process.stdout.write(`${file}:${line} ${sentence}\n`);
process.stderr.write(`boundaries: ${files.length} files looked at, ${violations.length} violations\n`);
process.exitCode = violations.length === 0 ? 0 : 1;

function sourcesBelow(directory) {
  const absolute = join(root, directory);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isSource(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

function sourcesIn(directory) {
  const absolute = join(root, directory);
  if (!existsSync(absolute)) return [];
  return readdirSync(absolute).filter(isSource).map((name) => `${directory}/${name}`).sort();
}

function isSource(name) {
  return /\.(tsx?|mjs|cjs|js)$/.test(name) && !name.endsWith('.d.ts');
}

function isTest(file) {
  return /\.test\.[a-z]+$/.test(file) || /^packages\/[^/]+\/test\//.test(file);
}

/** Parses a file and lists what it imports: `{specifier, line, typeOnly, names, namespace}`. */
function readSource(file) {
  const text = readFileSync(join(root, file), 'utf8');
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const imports = [];
  const add = (node, specifier, rest) => imports.push({ specifier, line: lineOf(tree, node), typeOnly: false, names: [], namespace: null, ...rest });
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause;
      const bindings = clause?.namedBindings;
      const named = bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements : [];
      add(node, node.moduleSpecifier.text, {
        typeOnly: clause?.isTypeOnly === true || (named.length > 0 && clause?.name === undefined && named.every((element) => element.isTypeOnly)),
        names: named.map((element) => (element.propertyName ?? element.name).text),
        namespace: bindings !== undefined && ts.isNamespaceImport(bindings) ? bindings.name.text : (clause?.name?.text ?? null),
      });
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node, node.moduleSpecifier.text, { typeOnly: node.isTypeOnly });
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal.text, { typeOnly: true });
    } else if (ts.isCallExpression(node) && node.arguments[0] !== undefined && ts.isStringLiteralLike(node.arguments[0])) {
      const dynamic = node.expression.kind === ts.SyntaxKind.ImportKeyword;
      const required = ts.isIdentifier(node.expression) && node.expression.text === 'require';
      if (dynamic || required) {
        const declaration = node.parent !== undefined && ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined;
        const destructured = declaration !== undefined && ts.isObjectBindingPattern(declaration) ? declaration.elements : [];
        add(node, node.arguments[0].text, {
          names: destructured.map((element) => (element.propertyName ?? element.name).getText(tree)),
          namespace: declaration !== undefined && ts.isIdentifier(declaration) ? declaration.text : null,
        });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { tree, imports };
}

function lineOf(tree, node) {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

function checkName(file) {
  const base = posix.basename(file).replace(/(\.(test|contract))?\.[a-z]+$/, '');
  if (base === 'index') report(file, 1, 'is an index file: import the file that holds the thing instead.');
  if (rules.vagueName.test(base)) report(file, 1, `is called ${base}: name it after the one thing it does.`);
}

function packageOf(file) {
  return /^packages\/([^/]+)\//.exec(file)?.[1] ?? null;
}

function checkImport(file, found) {
  const { specifier, line } = found;
  const own = packageOf(file);
  if (own === null || rules.packages[own] === undefined) return;
  const target = targetOf(file, specifier);

  if (specifier.startsWith('.')) {
    const package_ = packageOf(target ?? '');
    if (package_ !== own) report(file, line, `imports ${specifier}, which leaves packages/${own}: other packages are imported by name.`);
  } else if (specifier.startsWith('@paravcl/')) {
    const other = specifier.split('/')[1];
    const allowed = new Set([own, ...rules.packages[own].packages]);
    if (isTest(file)) for (const rule of rules.testPackages) if (file.startsWith(rule.below)) rule.packages.forEach((name) => allowed.add(name));
    if (!allowed.has(other)) report(file, line, `imports @paravcl/${other}; ${own} may import ${[...allowed].map((name) => `@paravcl/${name}`).join(', ')} here.`);
    else if (other === own) report(file, line, `imports its own package by name (${specifier}): use a relative path.`);
    else if (!isTest(file) && rules.packages[own].parts?.[other]?.some((begin) => specifier.startsWith(begin)) === false) {
      report(file, line, `imports ${specifier}; of @paravcl/${other} ${own} may import only ${rules.packages[own].parts[other].join(', ')}.`);
    }
    else if (!found.typeOnly && !isTest(file) && rules.packages[own].atRuntime?.some((begin) => specifier.startsWith(begin)) === false) {
      report(file, line, `imports ${specifier}; ${own} imports types alone (import type), and at run time only ${rules.packages[own].atRuntime.join(', ')}.`);
    }
  } else if (!isTest(file)) {
    const builtin = isBuiltin(specifier);
    const rule = rules.packages[own];
    if (builtin && rule.node === false) report(file, line, `imports ${specifier}; ${own} runs in a browser and takes nothing from Node.`);
    if (!builtin && rule.npm !== undefined && !rule.npm.includes(npmName(specifier))) {
      report(file, line, `imports ${specifier}; ${own} imports only ${rule.npm.join(', ')} and itself.`);
    }
    if (rules.pureFiles.test(file) && !rules.purePackages.has(npmName(specifier))) report(file, line, `imports ${specifier}; pure code imports only its own kind and shared.`);
  }

  if (rules.databaseLibraries.has(npmName(specifier)) && !rules.databaseFiles.test(file)) {
    report(file, line, `imports ${specifier}; the database library stays in db/ and repositories/.`);
  }
  if (rules.sshLibraries.has(npmName(specifier)) && !rules.sshFiles.test(file)) report(file, line, `imports ${specifier}; the SSH library stays in ssh/.`);
  if (target !== null && rules.compositionRoot.test(target) && posix.dirname(file) !== posix.dirname(target) && !isTest(file)) {
    report(file, line, `imports ${target}; a composition root is imported by nothing.`);
  }
  checkLayer(file, target, found);
}

/** Directories of the master: nothing calls upward. */
function checkLayer(file, target, { line, names }) {
  const prefix = 'packages/master/src/';
  if (target === null || !file.startsWith(prefix) || !target.startsWith(prefix) || isTest(file)) return;
  const from = directoryOf(file, prefix);
  const to = directoryOf(target, prefix);
  if (rules.masterLeaves.has(file)) {
    if (!rules.masterLeaves.has(target)) report(file, line, `imports ${target}; ${posix.basename(file)} is imported by all and imports only its like.`);
    return;
  }
  if (from === null || from === to) return;
  if (to === null) {
    if (from === 'core') report(file, line, `imports ${target}; core imports only core and shared.`);
    else if (!rules.masterLeaves.has(target)) report(file, line, `imports ${target}; what puts the daemon together is imported by nothing below it.`);
    return;
  }
  const allowed = rules.masterLayers[from];
  if (allowed === undefined) report(file, line, `lies in ${from}/, a directory without a rule in packages/workbench/boundaries.mjs.`);
  else if (!allowed.includes(to)) report(file, line, `imports ${target}; ${from}/ may import ${allowed.length === 0 ? 'no other directory' : allowed.map((name) => `${name}/`).join(', ')}.`);
  else if (to === 'db' && from !== 'repositories') {
    const seen = rules.seenOfDb.get(target);
    const hidden = seen === undefined ? [target] : seen === null ? [] : names.length === 0 ? [target] : names.filter((name) => !seen.includes(name));
    if (hidden.length > 0) report(file, line, `imports ${hidden.join(', ')}; of db/ only ${[...rules.seenOfDb].map(([path, some]) => (some ?? [path]).join(', ')).join(' and ')} is seen from here.`);
  }
}

function directoryOf(file, prefix) {
  const rest = file.slice(prefix.length);
  return rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : null;
}

function npmName(specifier) {
  return specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

/** The project file an import means, relative to the root; null for npm packages, Node's own and files that are not there. */
function targetOf(file, specifier) {
  const base = specifier.startsWith('.')
    ? posix.normalize(posix.join(posix.dirname(file), specifier))
    : specifier.startsWith('@paravcl/')
      ? specifier.replace(/^@paravcl\/([^/]+)\//, 'packages/$1/src/')
      : null;
  if (base === null) return null;
  const candidates = [base, `${base}.ts`, `${base}.tsx`, base.replace(/\.js$/, '.ts'), `${base}.mjs`, `${base}/index.ts`];
  return candidates.find((candidate) => files.includes(candidate)) ?? (specifier.startsWith('.') ? base : null);
}

/** Programs are started without a shell, and only by the files listed. */
function checkPrograms(file, { tree, imports }) {
  const starts = imports.filter((found) => /^(node:)?child_process$/.test(found.specifier) && !found.typeOnly);
  if (starts.length === 0) return;
  for (const found of starts) {
    if (!rules.programStarters.has(file) && !isTest(file)) {
      report(file, found.line, 'imports node:child_process; only the files listed in packages/workbench/boundaries.mjs start programs.');
    }
    for (const name of found.names) {
      if (name === 'exec' || name === 'execSync') report(file, found.line, `imports ${name}, which runs a shell: use execFile with an argument array.`);
    }
  }
  const namespaces = new Set(starts.map((found) => found.namespace).filter((name) => name !== null));
  const visit = (node) => {
    if (ts.isPropertyAssignment(node) && node.name.getText(tree).replace(/['"]/g, '') === 'shell' && node.initializer.kind !== ts.SyntaxKind.FalseKeyword) {
      report(file, lineOf(tree, node), 'asks for a shell: start the program itself with an argument array.');
    }
    if (ts.isShorthandPropertyAssignment(node) && node.name.text === 'shell') {
      report(file, lineOf(tree, node), 'asks for a shell: start the program itself with an argument array.');
    }
    if (ts.isPropertyAccessExpression(node) && namespaces.has(node.expression.getText(tree)) && /^exec(Sync)?$/.test(node.name.text)) {
      report(file, lineOf(tree, node), `calls ${node.getText(tree)}, which runs a shell: use execFile with an argument array.`);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
}

function checkPurity(file, tree) {
  const visit = (node) => {
    const at = () => lineOf(tree, node);
    if (node.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.AsyncKeyword)) report(file, at(), 'is async; pure code answers at once.');
    if (ts.isAwaitExpression(node)) report(file, at(), 'awaits; pure code answers at once.');
    if (ts.isNewExpression(node) && node.expression.getText(tree) === 'Date' && (node.arguments?.length ?? 0) === 0) {
      report(file, at(), 'reads the clock (new Date()); pure code is given the time.');
    }
    if (ts.isPropertyAccessExpression(node) && rules.impureMembers.has(node.getText(tree))) {
      report(file, at(), `uses ${node.getText(tree)}; pure code is given the time and its random numbers.`);
    } else if (ts.isIdentifier(node) && rules.impureNames.has(node.text) && isGlobalUse(node)) {
      report(file, at(), `uses ${node.text}; pure code has no timers, no process and no I/O.`);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
}

/** True for `setTimeout(…)` and `process.pid`, false for `instance.process`, `{ process: … }` and declarations of that name. */
function isGlobalUse(node) {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) {
    return parent.expression === node && !rules.impureMembers.has(parent.getText());
  }
  return ts.isCallExpression(parent) && parent.expression === node;
}

/** Every import cycle once, named by its files in order. Imports of types count: a circle of thought is a circle. */
function checkCycles() {
  const edges = new Map(
    [...sources].map(([file, { imports }]) => [file, imports.map((found) => ({ to: targetOf(file, found.specifier), line: found.line })).filter(({ to }) => sources.has(to))]),
  );
  const state = new Map();
  const path = [];
  const seen = new Set();
  const visit = (file) => {
    state.set(file, 'open');
    path.push(file);
    for (const { to, line } of edges.get(file)) {
      if (state.get(to) === 'open') {
        const circle = path.slice(path.indexOf(to));
        const key = [...circle].sort().join(' ');
        if (!seen.has(key)) report(file, line, `closes an import cycle: ${[...circle, to].join(' → ')}.`);
        seen.add(key);
      } else if (!state.has(to)) visit(to);
    }
    path.pop();
    state.set(file, 'done');
  };
  for (const file of edges.keys()) if (!state.has(file)) visit(file);
}

function checkNumbers() {
  for (const [directory, least] of Object.entries(rules.leastFiles)) {
    const number = files.filter((file) => file.startsWith(directory)).length;
    if (number < least) report(directory, 1, `holds ${number} source files, fewer than ${least}: the check did not see what it is there to see.`);
  }
}
