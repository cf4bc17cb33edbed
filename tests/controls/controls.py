"""Negative controls: breaks of promises, and the tests that must notice them.

Each .json file beside this one is a control:

  breaks      what is broken, in a sentence
  file        the file of ours that is changed
  find        the lines that stand in it exactly once
  replace     what stands there instead
  noticed_by  the test targets that must fail then

  controls.py check ROOT            whether each control still fits the tree
  controls.py run ROOT [NAME..] [--FLAG..]
                                    applies one after another to a copy of the
                                    tree and runs the tests; flags are Bazel's
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Dict, List

HERE = os.path.join('tests', 'controls')
FIELDS = {'breaks': str, 'file': str, 'find': list, 'replace': list,
          'noticed_by': list}
SOME_TEST_FAILED = 3  # Bazel's exit code
PROMISES = os.path.join('docs', 'promises.md')


class Control:
    """One break, as its file says."""

    def __init__(self, path: str) -> None:
        self.name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding='utf-8') as file:
            fields = json.load(file)
        if ({name: type(value) for name, value in fields.items()} != FIELDS):
            raise SystemExit('%s: wants the fields %s' %
                             (path, ', '.join(FIELDS)))
        self.breaks: str = fields['breaks']
        self.file: str = fields['file']
        self.find = '\n'.join(fields['find'])
        self.replace = '\n'.join(fields['replace'])
        self.noticed_by: List[str] = fields['noticed_by']

    def faults(self, root: str) -> List[str]:
        """What no longer fits the tree, one sentence each."""
        faults = []
        path = os.path.join(root, self.file)
        text = read(path) if os.path.isfile(path) else ''
        count = text.count(self.find)
        if count != 1 or not self.find:
            faults.append('its text stands %d times in %s' % (count, self.file))
        if self.find == self.replace:
            faults.append('it changes nothing')
        if not self.noticed_by:
            faults.append('no test need notice it')
        for target in self.noticed_by:
            if not has_target(root, target):
                faults.append('there is no test ' + target)
        if '`%s`' % self.name not in read(os.path.join(root, PROMISES)):
            faults.append('%s does not name it' % PROMISES)
        return ['%s/%s.json: %s' % (HERE, self.name, f) for f in faults]


def read(path: str) -> str:
    with open(path, encoding='utf-8') as file:
        return file.read()


def has_target(root: str, target: str) -> bool:
    """Whether a BUILD file has a rule of that name."""
    match = re.fullmatch(r'//([\w/]+):(\w+)', target)
    if match is None:
        return False
    build = os.path.join(root, match.group(1), 'BUILD')
    return os.path.isfile(build) and (
        '    name = "%s",' % match.group(2) in read(build))


def load(root: str) -> Dict[str, Control]:
    paths = sorted(glob.glob(os.path.join(root, HERE, '*.json')))
    controls = [Control(path) for path in paths]
    return {control.name: control for control in controls}


def check(root: str) -> int:
    faults: List[str] = []
    controls = load(root)
    for control in controls.values():
        faults += control.faults(root)
    print('\n'.join(faults))
    print('%d controls, %d faults' % (len(controls), len(faults)))
    return 1 if faults or not controls else 0


def copy_tree(root: str, to: str) -> None:
    """Copies the files that git knows, as they are now."""
    listed = subprocess.run(['git', '-C', root, 'ls-files', '-z'],
                            check=True, capture_output=True).stdout
    for path in listed.decode().split('\0'):
        source = os.path.join(root, path)
        if not path or not os.path.lexists(source):
            continue
        target = os.path.join(to, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)


class Tree:
    """A copy of the tree, with Bazel in it."""

    def __init__(self, root: str, folder: str, flags: List[str]) -> None:
        self.folder = folder
        self.flags = flags
        copy_tree(root, folder)

    def failing(self, targets: List[str]) -> List[str]:
        """Those of the targets that fail. SystemExit: they do not build."""
        command = ['bazel', 'test', '--keep_going', '--test_output=summary',
                   '--test_timeout=200', '--test_env=OXBOW_SHARED', *self.flags, '--', *targets]
        done = subprocess.run(command, cwd=self.folder, text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode not in (0, SOME_TEST_FAILED):
            raise SystemExit(done.stdout[-6000:] + '\nthe tree does not build')
        failed = re.findall(r'^(//\S+)\s.*(?:FAILED|TIMEOUT)', done.stdout,
                            re.MULTILINE)
        return [target for target in targets if target in failed]

    def close(self) -> None:
        subprocess.run(['bazel', 'clean', '--expunge'], cwd=self.folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def try_one(tree: Tree, control: Control) -> bool:
    """Whether every test that must notice the break does."""
    path = os.path.join(tree.folder, control.file)
    whole = read(path)
    begin = time.monotonic()
    try:
        with open(path, 'w', encoding='utf-8') as file:
            file.write(whole.replace(control.find, control.replace))
        failing = tree.failing(control.noticed_by)
    finally:
        with open(path, 'w', encoding='utf-8') as file:
            file.write(whole)
    blind = [t for t in control.noticed_by if t not in failing]
    verdict = 'NOT NOTICED by ' + ' '.join(blind) if blind else 'noticed by '
    print('%-26s %s%s (%d s)' % (control.name, verdict,
                                 '' if blind else ' '.join(failing),
                                 time.monotonic() - begin), flush=True)
    return not blind


def run(root: str, words: List[str]) -> int:
    if check(root) != 0:
        return 1
    flags = [word for word in words if word.startswith('-')]
    names = [word for word in words if not word.startswith('-')]
    controls = load(root)
    unknown = [name for name in names if name not in controls]
    if unknown:
        raise SystemExit('no such control: ' + ' '.join(unknown))
    chosen = [controls[name] for name in names or sorted(controls)]
    with tempfile.TemporaryDirectory(prefix='oxbow-controls-') as folder:
        tree = Tree(root, folder, flags)
        try:
            targets = sorted({t for c in chosen for t in c.noticed_by})
            failing = tree.failing(targets)
            if failing:
                raise SystemExit('fails although nothing is broken: ' +
                                 ' '.join(failing))
            noticed = [try_one(tree, control) for control in chosen]
        finally:
            tree.close()
    print('%d of %d breaks noticed' % (sum(noticed), len(noticed)))
    return 0 if all(noticed) else 1


def main() -> int:
    words = sys.argv[1:]
    if len(words) >= 2 and words[0] == 'check':
        return check(words[1])
    if len(words) >= 2 and words[0] == 'run':
        return run(words[1], words[2:])
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == '__main__':
    sys.exit(main())
