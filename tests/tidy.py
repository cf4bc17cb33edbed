"""Rules of the repository that no compiler knows; one line for each breach."""

import fnmatch
import os
import re
import subprocess
import sys

LINE_MAX = 80
FILE_BYTES_MAX = 1 << 20
SOURCES = ('.h', '.cc', '.proto')
LEFTOVERS = ('util', 'utils', 'common', 'helper', 'helpers', 'manager', 'impl')
# Spelled in parts: this file keeps its own rules.
UNFINISHED = re.compile(r'\b(%s)\b(?!\(#\d+\))' %
                        '|'.join(('TO' + 'DO', 'FIX' + 'ME', 'X' * 3)))
MACHINE_PATHS = re.compile('/wo' + r'rk/|/tmp/bash' + '_jobs|/home/[a-z]')
VERSION_ENUM = re.compile(r'\bRwkvVersion\b')
# The one enum of versions, where files are told apart and models made.
VERSION_FILES = ['engine/model/detect_version.cc',
                 'engine/model/make_model.cc', 'engine/model/model_config.h']
# Compiled by native.py, on the machine that trains.
BUILT_OTHERWISE = ('tools/train',)
# `path/to/file` and [words](path/to/file) in Markdown.
NAMED_PATH = re.compile(r'`([\w.*/-]+)`|\]\(([\w./-]+)[)#]')


def list_files(root):
    """Paths of the repository's files; of all files, without git's data."""
    git = subprocess.run(['git', '-C', root, 'ls-files', '-z'],
                         capture_output=True)
    if git.returncode == 0:
        paths = git.stdout.decode().split('\0')
        return sorted(p for p in paths if os.path.isfile(join(root, p)))
    paths = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders
                      if not f.startswith(('.', 'bazel-', '__pycache__'))]
        paths += [os.path.relpath(join(folder, n), root) for n in names]
    return sorted(paths)


def join(root, path):
    return os.path.join(root, path)


def read(root, path):
    """The file's lines; none if it is no text."""
    with open(join(root, path), 'rb') as file:
        data = file.read()
    try:
        return data.decode().split('\n')
    except UnicodeDecodeError:
        return []


def check_name(path):
    stem = os.path.basename(path).split('.')[0]
    for word in LEFTOVERS:
        if stem == word or stem.endswith('_' + word):
            yield path, 0, 'is named for leftovers: name what is in it'


def check_size(root, path):
    if path.startswith('models/'):
        return
    size = os.path.getsize(join(root, path))
    if size > FILE_BYTES_MAX:
        yield path, 0, f'has {size} bytes; at most {FILE_BYTES_MAX} are kept'


def check_lines(path, lines):
    is_source = path.endswith(SOURCES)
    for number, line in enumerate(lines, 1):
        if is_source and len(line) > LINE_MAX:
            yield path, number, f'has {len(line)} columns'
        if UNFINISHED.search(line):
            yield path, number, 'is unfinished without an issue number, (#123)'
        if MACHINE_PATHS.search(line):
            yield path, number, 'names a place on somebody\'s machine'


def check_guard(path, lines):
    guard = 'OXBOW_' + re.sub(r'\W', '_', path).upper() + '_'
    wanted = ['#ifndef ' + guard, '#define ' + guard]
    if path.endswith('.h') and not path.endswith('-inl.h'):
        if [line for line in lines if line in wanted] != wanted:
            yield path, 0, f'has no guard {guard}'


def check_builds(paths):
    known = set(paths)
    folders = {os.path.dirname(p) for p in paths if p.endswith(SOURCES)}
    for folder in sorted(folders.difference(BUILT_OTHERWISE)):
        if join(folder, 'BUILD') not in known:
            yield folder, 0, 'has sources and no BUILD'


def check_version_enum(texts):
    files = sorted(path for path, lines in texts.items()
                   if path.endswith(SOURCES) and
                   any(VERSION_ENUM.search(line) for line in lines))
    if files != VERSION_FILES:
        yield (', '.join(files), 0,
               f'name RwkvVersion; want {", ".join(VERSION_FILES)}')


class NamedPaths:
    """Whether a path that a document names is there."""

    def __init__(self, paths):
        self.files = set(paths)
        self.folders = {''}
        for path in paths:
            while os.path.dirname(path) not in self.folders:
                path = os.path.dirname(path)
                self.folders.add(path)
        self.names = {os.path.basename(p) for p in paths}
        self.tops = {p.split('/')[0] for p in paths if '/' in p}

    def is_missing(self, document, name, is_link):
        """A link counts from the document, words in `` from the root."""
        if is_link:
            name = os.path.normpath(join(os.path.dirname(document), name))
        elif '/' not in name:
            is_file = re.fullmatch(r'[\w-]+\.(h|cc|proto|md|py)', name)
            return bool(is_file) and name not in self.names
        elif name.split('/')[0] not in self.tops:
            return False
        name = name.rstrip('/')
        if '*' in name:
            return not fnmatch.filter(self.files | self.folders, name)
        return name not in self.files and name not in self.folders


def check_documents(texts):
    named = NamedPaths(list(texts))
    for path, lines in texts.items():
        if not path.endswith('.md'):
            continue
        for number, line in enumerate(lines, 1):
            for match in NAMED_PATH.finditer(line):
                quoted, link = match.groups()
                if named.is_missing(path, link or quoted, bool(link)):
                    yield path, number, f'names {link or quoted}, which is not'


def check(root):
    paths = list_files(root)
    texts = {path: read(root, path) for path in paths}
    for path, lines in texts.items():
        yield from check_name(path)
        yield from check_size(root, path)
        yield from check_lines(path, lines)
        yield from check_guard(path, lines)
    yield from check_builds(paths)
    yield from check_version_enum(texts)
    yield from check_documents(texts)


def main():
    breaches = list(check(sys.argv[1]))
    for path, number, sentence in breaches:
        print(f'{path}:{number}: {sentence}' if number else
              f'{path}: {sentence}')
    print(f'{len(breaches)} breaches')
    return 1 if breaches else 0


if __name__ == '__main__':
    sys.exit(main())
