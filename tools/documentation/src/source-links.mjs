// Links from pages to what is no part of the site: sources, folders, configuration.
// Rule: they become their own words. A copy of the site has no sources beside it, and no address of them is right for every copy.

const PICTURE = /\.(svg|png)$/;

/** Takes the links out of a page: `content` is what TypeDoc has made of it, changed in place. */
export function unlinkSources(files, content) {
  for (const [index, part] of content.entries()) {
    if (part.kind !== 'relative-link' || isInSite(files, part.target)) continue;
    const before = content[index - 1];
    const after = content[index + 1];
    before.text = before.text.replace(/\[([^\]]*)\]\($/, '$1');
    after.text = after.text.replace(/^[^)]*\)/, '');
    content[index] = { kind: 'text', text: '' };
  }
}

function isInSite(files, target) {
  return target === undefined || files.mediaToReflection.has(target) || PICTURE.test(files.resolvePath(target));
}
