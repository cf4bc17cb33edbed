"""clang-tidy over our sources, one cached action for each file.

Bazel knows each file's flags, makes the headers that protoc generates, and
runs again only what a change touches. `./dev lint` asks for it:

    bazel build --config=lint //engine:inbox
"""

_HEADER = ["h"]
_SOURCE = ["cc"]

# Beside the .bazelrc's own: warnings that clang has and g++ has not. Absl's
# lock annotations mean something to clang alone.
_FLAGS = [
    "-Wold-style-cast",
    "-Wthread-safety",
    "-Wthread-safety-beta",
]

def _files_of(ctx, extensions):
    files = []
    for attribute in ["srcs", "hdrs"]:
        files += getattr(ctx.rule.files, attribute, [])
    return [f for f in files if f.is_source and f.extension in extensions]

def _compiler_flags(ctx, context):
    flags = ["-x", "c++"] + ctx.fragments.cpp.cxxopts + ctx.fragments.cpp.copts
    flags += getattr(ctx.rule.attr, "copts", []) + _FLAGS
    for define in (context.defines.to_list() +
                   getattr(ctx.rule.attr, "local_defines", [])):
        flags.append("-D" + define)
    flags.append("-I.")

    # What is not ours is somebody else's to lint.
    for folder in (context.quote_includes.to_list() +
                   context.includes.to_list() +
                   context.system_includes.to_list()):
        if folder != ".":
            flags += ["-isystem", folder]
    return flags

def _clang_tidy(target, ctx):
    headers = _files_of(ctx, _HEADER)

    # A header without a source of its own is read by itself. A "-inl.h" is
    # part of the sources that include it.
    mains = _files_of(ctx, _SOURCE) or [
        header
        for header in headers
        if not header.basename.endswith("-inl.h")
    ]
    if CcInfo not in target or not mains:
        return []
    context = target[CcInfo].compilation_context
    flags = _compiler_flags(ctx, context)
    own_headers = "|".join([header.path for header in headers])

    stamps = []
    for main in mains:
        stamp = ctx.actions.declare_file(
            "%s.%s.clang_tidy" % (ctx.label.name, main.basename),
        )
        stamps.append(stamp)
        ctx.actions.run(
            mnemonic = "ClangTidy",
            progress_message = "Linting " + main.path,
            executable = ctx.executable._clang_tidy,
            inputs = depset(
                [main, ctx.file._checks] + headers,
                transitive = [context.headers],
            ),
            outputs = [stamp],
            arguments = [
                stamp.path,
                "--quiet",
                "--config-file=" + ctx.file._checks.path,
                "--header-filter=/(%s)$" % own_headers,
                main.path,
                "--",
            ] + flags,
            use_default_shell_env = True,
        )
    return [OutputGroupInfo(clang_tidy = depset(stamps))]

clang_tidy = aspect(
    implementation = _clang_tidy,
    attrs = {
        "_checks": attr.label(
            default = "//:.clang-tidy",
            allow_single_file = True,
        ),
        "_clang_tidy": attr.label(
            default = "//bazel:clang_tidy.sh",
            allow_single_file = True,
            executable = True,
            cfg = "host",
        ),
    },
    fragments = ["cpp"],
)
