"""A fuzz target: a parser that gets bytes from outside, and its seeds."""

def fuzz_test(name, srcs, deps):
    """Makes two tests of one LLVMFuzzerTestOneInput.

    NAME_corpus_test runs the seeds in corpus/NAME and what random damage makes
    of them, in any build. NAME_fuzz_test is libFuzzer's (./dev fuzz: needs
    --config=fuzz, that is clang) and looks for new inputs for a while.

    Args:
      name: of the parser, and of its folder of seeds.
      srcs: the file with LLVMFuzzerTestOneInput.
      deps: what it needs.
    """
    corpus = native.glob(["corpus/%s/**" % name])
    native.cc_test(
        name = name + "_corpus_test",
        size = "small",
        srcs = srcs + ["corpus_main.cc"],
        args = ["tests/fuzz/corpus/" + name],
        data = corpus,
        deps = deps + ["//engine/weights/testing:mutate"],
    )
    native.cc_test(
        name = name + "_fuzz_test",
        size = "large",
        srcs = srcs,
        args = [
            "tests/fuzz/corpus/" + name,
            "-max_total_time=60",
            "-rss_limit_mb=1024",
            "-timeout=10",
        ],
        data = corpus,
        linkopts = ["-fsanitize=fuzzer"],
        tags = [
            "fuzz",
            "manual",
        ],
        deps = deps,
    )
