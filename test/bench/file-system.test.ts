import { describe, expect, it } from 'vitest';
import { fileSystemType } from '../../bench/file-system.js';

const mountInfo = [
  '27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
  '30 27 0:21 / /tmp rw - tmpfs tmpfs rw',
  '31 27 8:1 / /mnt/my\\040disk rw master:2 - xfs /dev/sda1 rw',
  '32 31 8:2 / /mnt/my\\040disk rw - btrfs /dev/sda2 rw',
  '',
].join('\n');

describe('the file system of a path', () => {
  it('is that of the innermost mount point', () => {
    expect(fileSystemType('/home/data', mountInfo)).toBe('ext4');
    expect(fileSystemType('/tmp', mountInfo)).toBe('tmpfs');
    expect(fileSystemType('/tmp/a/b', mountInfo)).toBe('tmpfs');
  });

  it('does not take a common beginning of a name for a mount point', () => {
    expect(fileSystemType('/tmpfiles', mountInfo)).toBe('ext4');
  });

  it('knows blanks in names, and that a later mount hides an earlier one', () => {
    expect(fileSystemType('/mnt/my disk/data', mountInfo)).toBe('btrfs');
  });

  it('is undefined when nothing is known', () => {
    expect(fileSystemType('/data', '')).toBeUndefined();
  });
});
