/** Which file system a path is on, as Linux tells it. Pure. */

/** File systems in memory: a sync costs nothing there, and makes nothing durable. */
export const memoryFileSystems: readonly string[] = ['tmpfs', 'ramfs'];

/**
 * The type of the file system that holds `path`, from the text of `/proc/self/mountinfo`; undefined when it does not say.
 *
 * @param path absolute, without symbolic links
 */
export function fileSystemType(path: string, mountInfo: string): string | undefined {
  let best: { readonly mountPoint: string; readonly type: string } | undefined;
  for (const line of mountInfo.split('\n')) {
    const mount = parseMount(line);
    if (mount === undefined || !isInside(path, mount.mountPoint)) continue;
    // Of two mounts on one point the later one hides the earlier.
    if (best === undefined || mount.mountPoint.length >= best.mountPoint.length) best = mount;
  }
  return best?.type;
}

/** Fields: id, parent, device, root, mount point, options, optional fields, a dash, type, source, more options. */
function parseMount(line: string): { readonly mountPoint: string; readonly type: string } | undefined {
  const [before, after] = line.split(' - ');
  const mountPoint = before?.split(' ')[4];
  const type = after?.split(' ')[0];
  if (mountPoint === undefined || type === undefined) return undefined;
  return { mountPoint: unescapeOctal(mountPoint), type };
}

/** The kernel writes blanks and backslashes as three octal digits. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

function isInside(path: string, mountPoint: string): boolean {
  return mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
}
