// The documentation site: docstrings, READMEs and docs/, by TypeDoc, into docs-site/.
// Rule: any warning fails the build, and nothing in the site needs a network.
import { join } from 'node:path';
import { Application } from 'typedoc';
import { publicEntries } from '../../../scripts/docs/entries.mjs';
import { ROOT } from '../../../scripts/root.mjs';
import { arrangeSite } from './arranged.mjs';
import { drawDiagrams, loadDrawing } from './diagrams.mjs';
import { INTERNAL_TYPES, UNDOCUMENTED_YET } from './exceptions.mjs';

/** Where the site is put; ignored by git. */
export const SITE = join(ROOT, 'docs-site');

/** Builds the site; resolves with false when TypeDoc had an error or a warning, which it has printed. */
export async function buildSite() {
  const drawing = await loadDrawing();
  const entries = publicEntries();
  const app = await Application.bootstrap({
    name: 'Sluice',
    tsconfig: join(import.meta.dirname, '..', 'tsconfig.json'),
    entryPoints: entries.map(({ file }) => join(ROOT, file)),
    projectDocuments: ['docs/*.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md'].map((path) =>
      join(ROOT, path),
    ),
    readme: join(ROOT, 'README.md'),
    basePath: ROOT,
    // There is no address of the sources that would be right for every copy.
    disableSources: true,
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    categorizeByGroup: false,
    sort: ['source-order'],
    sortEntryPoints: false,
    navigation: { includeCategories: true, includeGroups: true },
    headings: { readme: false, document: false },
    highlightLanguages: [
      'bash',
      'console',
      'cpp',
      'diff',
      'html',
      'http',
      'js',
      'json',
      'jsonc',
      'markdown',
      'sh',
      'ts',
      'yaml',
    ],
    ignoredHighlightLanguages: ['mermaid', 'text'],
    markdownItLoader: (parser) => drawDiagrams(parser, drawing),
    customCss: join(import.meta.dirname, 'site.css'),
    searchInDocuments: true,
    githubPages: false,
    cleanOutputDir: true,
    hideGenerator: true,
    validation: {
      notExported: false,
      invalidLink: true,
      invalidPath: false,
      rewrittenLink: true,
      notDocumented: true,
    },
    requiredToBeDocumented: ['Class', 'Interface', 'Function', 'TypeAlias', 'Variable'],
    packagesRequiringDocumentation: packageNames(entries),
    intentionallyNotDocumented: UNDOCUMENTED_YET,
  });
  arrangeSite(app, entries);
  const project = await app.convert();
  if (project === undefined) return false;
  app.validate(project);
  checkExports(app, project, entries);
  await app.generateDocs(project, SITE);
  return !app.logger.hasErrors() && !app.logger.hasWarnings();
}

/** TypeDoc looks for types that are not exported in one package only: the project's own, which is each in turn. */
function checkExports(app, project, entries) {
  const { packageName } = project;
  app.options.setValue('validation', {
    notExported: true,
    invalidLink: false,
    rewrittenLink: false,
    notDocumented: false,
  });
  for (const name of packageNames(entries)) {
    app.options.setValue('intentionallyNotExported', INTERNAL_TYPES[name] ?? []);
    project.packageName = name;
    app.validate(project);
  }
  project.packageName = packageName;
}

function packageNames(entries) {
  return [...new Set(entries.map(({ package: name }) => name))];
}
