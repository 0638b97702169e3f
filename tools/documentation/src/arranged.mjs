// How TypeDoc's project is arranged: modules by the name that is imported, exports by what they are for, pages by their title.
// Rule: what an export is for is said in scripts/docs/api-groups.mjs and nowhere else.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommentTag, Converter, MinimalSourceFile, ReflectionKind } from 'typedoc';
import { groupOf, groupsOf } from '../../../scripts/docs/api-groups.mjs';
import { ROOT } from '../../../scripts/root.mjs';
import { fitLinks } from './fitted-links.mjs';
import { placeOf, SECTIONS, sectionOf } from './sections.mjs';

/** The plugins that make groups and categories have run then. */
const AFTER_OTHERS = -1_000;

/** A plugin of TypeDoc for the given entry points. */
export function arrangeSite(app, entries) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) =>
    placeDocument(document.project, document),
  );
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      nameModule(app, project, module, entries);
      categorize(module);
    }
    for (const page of pages(project)) fitLinks(project, page);
  });
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => sortAsListed(project), AFTER_OTHERS);
  app.options.setValue('groupOrder', ['Modules', ...SECTIONS, '*']);
}

/** The module is called as it is imported; a package's own has its README, which links to its folder lead to. */
function nameModule(app, project, module, entries) {
  const entry = entries.find(({ file }) => file.replace(/(?:\/index)?\.ts$/, '') === module.name);
  if (entry === undefined) throw new Error(`${module.name} is no entry point`);
  module.name = entry.name;
  if (entry.name !== entry.package) return;
  const readme = join(ROOT, entry.folder, 'README.md');
  // The page has the name for its title already.
  const text = readFileSync(readme, 'utf8').replace(/^# .*\n+/, '');
  const file = new MinimalSourceFile(text, readme);
  module.readme = app.converter.parseRawComment(file, project.files).content;
  project.files.registerReflectionPath(readme, module);
  project.files.registerReflectionPath(join(ROOT, entry.folder), module);
}

function categorize(module) {
  for (const reflection of module.children ?? []) {
    const heading = groupOf(module.name, reflection.name);
    if (heading === undefined) throw new Error(`${module.name}: ${reflection.name} is in no group`);
    const of = reflection.signatures ?? [reflection];
    for (const one of of) {
      // One made here would make it look documented.
      one.comment?.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: heading }]));
    }
  }
}

/** A page is called as its first heading says, and stands in its section. */
function placeDocument(project, document) {
  const path = project.files.getReflectionPath(document);
  const [, title] = /^# (.+)$/m.exec(readFileSync(path, 'utf8')) ?? [];
  if (title === undefined) throw new Error(`${path} has no heading to be its title`);
  document.name = title.replaceAll('`', '');
  document.frontmatter.group = sectionOf(path);
}

/** The text of all pages that are Markdown files, and the way home from there. */
function pages(project) {
  const modules = project.getReflectionsByKind(ReflectionKind.Module).map(({ readme }) => readme);
  const documents = project.getReflectionsByKind(ReflectionKind.Document).map(({ content }) => content);
  const below = [...modules, ...documents].filter((content) => content !== undefined);
  return [
    { content: project.readme, home: 'index.html' },
    ...below.map((content) => ({ content, home: '../index.html' })),
  ];
}

/** What belongs together stands together, and what is needed first stands first: as the lists have it. */
function sortAsListed(project) {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    const groups = groupsOf(module.name);
    const headings = groups.map(({ heading }) => heading);
    const order = groups.flatMap(({ names }) => names);
    for (const categories of categoriesOf(module)) {
      // What has no docstring yet is in none of them (`Other`).
      sortBy(categories, ({ title }) =>
        headings.includes(title) ? headings.indexOf(title) : headings.length,
      );
      for (const { children } of categories) sortBy(children, ({ name }) => order.indexOf(name));
    }
  }
  for (const { children } of project.groups) {
    sortBy(children, (child) => (child.isDocument() ? placeOf(project.files.getReflectionPath(child)) : 0));
  }
}

/** The lists of them: the module's own, or those of its groups. */
function categoriesOf(module) {
  return [module, ...(module.groups ?? [])].flatMap(({ categories }) => (categories ? [categories] : []));
}

function sortBy(list, place) {
  list.sort((a, b) => place(a) - place(b));
}
