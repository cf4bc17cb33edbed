"""A .proto becomes C++ messages and gRPC stubs, made by Debian's protoc."""

def cc_grpc_library(name, srcs, deps = [], grpc = True, **kwargs):
    """Messages (and with grpc = True, services) of the given .proto files.

    Files below //proto import and include each other without the leading
    proto/ (#include "oxbow/v1/streams.pb.h"); all others by their path from
    the workspace's root (#include "store/records.pb.h").

    Args:
      name: the cc_library.
      srcs: .proto files of this package.
      deps: other cc_grpc_library targets whose .proto files these import, as
        ":name" or "//package:name". Each offers its sources as NAME_protos.
      grpc: also generate service stubs.
      **kwargs: handed to cc_library.
    """
    below_proto = native.package_name().startswith("proto/")
    root = "proto" if below_proto else "."

    endings = [".pb.h", ".pb.cc"]
    plugin = ""
    if grpc:
        endings += [".grpc.pb.h", ".grpc.pb.cc"]
        plugin = ("--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin " +
                  "--grpc_out=$(GENDIR)/" + root)
    outs = [
        src[:-len(".proto")] + ending
        for src in srcs
        for ending in endings
    ]

    native.filegroup(
        name = name + "_protos",
        srcs = srcs + [dep + "_protos" for dep in deps],
        visibility = kwargs.get("visibility"),
    )
    native.genrule(
        name = name + "_generate",
        srcs = srcs + [dep + "_protos" for dep in deps],
        outs = outs,
        cmd = " ".join(
            ["protoc", "-I" + root, "--cpp_out=$(GENDIR)/" + root, plugin] +
            ["$(location %s)" % src for src in srcs],
        ),
    )
    native.cc_library(
        name = name,
        srcs = [out for out in outs if out.endswith(".cc")],
        hdrs = [out for out in outs if out.endswith(".h")],
        copts = ["-w"],
        strip_include_prefix = "/proto" if below_proto else None,
        deps = deps + ["@grpc//:grpc++" if grpc else "@protobuf//:protobuf"],
        **kwargs
    )
