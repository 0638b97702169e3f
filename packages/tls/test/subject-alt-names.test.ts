import { expect, it } from 'vitest';
import { subjectAltNames } from '../src/subject-alt-names.ts';

it.each<[string, string | undefined, readonly string[]]>([
  ['nothing', undefined, []],
  ['one name', 'DNS:a.test', ['DNS:a.test']],
  [
    'names of several kinds',
    'DNS:*.a.test, IP Address:192.0.2.1, email:me@a.test, URI:https://a.test/x',
    ['DNS:*.a.test', 'IP Address:192.0.2.1', 'email:me@a.test', 'URI:https://a.test/x'],
  ],
  ['an address with colons', 'IP Address:2001:DB8:0:0:0:0:0:1', ['IP Address:2001:DB8:0:0:0:0:0:1']],
  // CVE-2021-44532: a name that pretends to be two.
  ['a name with a comma in it', 'DNS:"a.test, DNS:b.test"', ['DNS:a.test, DNS:b.test']],
  ['a name with quotes in it', 'DNS:"a\\", DNS:b.test", DNS:c.test', ['DNS:a", DNS:b.test', 'DNS:c.test']],
  ['an empty name', 'DNS:, DNS:a.test', ['DNS:', 'DNS:a.test']],
  [
    'a name of a directory',
    'DirName:"C=US,CN=a\\"b", Registered ID:1.2.3',
    ['DirName:C=US,CN=a"b', 'Registered ID:1.2.3'],
  ],
])('the list of %s is taken apart', (_title, text, names) => {
  expect(subjectAltNames(text)).toEqual(names);
});
