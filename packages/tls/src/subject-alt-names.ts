/**
 * The list that Node makes of a certificate's subject alternative names, taken apart.
 *
 * Rule: a comma inside a name never ends it. Node writes a name with anything odd in it as a JSON string
 * (CVE-2021-44532), which is decoded here.
 */

/** `DNS:a.test, IP Address:192.0.2.1` as its elements, each `TYPE:value`; empty for undefined. */
export function subjectAltNames(text: string | undefined): readonly string[] {
  const elements = text?.match(/[^:,"]+:(?:"(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g) ?? [];
  return elements.map((element) => decode(element.replace(/, $/, '')));
}

function decode(element: string): string {
  const at = element.indexOf(':') + 1;
  const value = element.slice(at);
  return element.slice(0, at) + (value.startsWith('"') ? (JSON.parse(value) as string) : value);
}
