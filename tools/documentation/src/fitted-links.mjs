// The links of Markdown files, fitted to the site.
// Rule: what is no part of it (sources, folders, configuration) becomes its own words: a copy of the site has none of it beside
// it, and no address is right for every copy.

const PICTURE = /\.(svg|png)$/;

/** Changes `content`, which TypeDoc has made of a page, in place. `home` is what the first page is called from there. */
export function fitLinks(project, { content, home }) {
  for (const [index, part] of content.entries()) {
    if (part.kind !== 'relative-link' || part.target === undefined) continue;
    const target = project.files.resolve(part.target, project);
    if (target === project) content[index] = { kind: 'text', text: home };
    if (typeof target === 'object' || PICTURE.test(target)) continue;
    const before = content[index - 1];
    const after = content[index + 1];
    before.text = before.text.replace(/\[([^\]]*)\]\($/, '$1');
    after.text = after.text.replace(/^[^)]*\)/, '');
    content[index] = { kind: 'text', text: '' };
  }
}
