"""tensorboard_readers.py LOGDIR: what both readers of TensorBoard make of the runs in LOGDIR (one a folder), a
line a run and tag: RUN TAG READER STEP:VALUE ... (of a text its first bytes). Exit status 77 without
tensorboard and its data server."""

import os
import sys

try:
    import tensorboard_data_server  # noqa: F401: its binary is what is asked for
    from tensorboard import context
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.data.server_ingester import SubprocessServerDataIngester, get_server_binary
    from tensorboard.util.grpc_util import ChannelCredsType
except ImportError as missing:
    print(missing)
    sys.exit(77)


def line(run, tag, reader, points):
    print(run, tag, reader, *(f"{step}:{value}" for step, value in points))


def of_python(logdir):
    for run in sorted(os.listdir(logdir)):
        events = EventAccumulator(os.path.join(logdir, run), size_guidance={"scalars": 0, "tensors": 0})
        events.Reload()
        for tag in events.Tags()["scalars"]:
            line(run, tag, "python", [(e.step, "%.6g" % e.value) for e in events.Scalars(tag)])
        for tag in events.Tags()["tensors"]:
            line(run, tag, "python", [(e.step, e.tensor_proto.string_val[0][:14]) for e in events.Tensors(tag)])


def of_server(logdir):
    server = SubprocessServerDataIngester(
        server_binary=get_server_binary(),
        logdir=logdir,
        reload_interval=60,
        channel_creds_type=ChannelCredsType.LOCAL,
        samples_per_plugin={"scalars": 0, "text": 0},
    )
    server.start()
    data, ctx, more = server.data_provider, context.RequestContext(), {"experiment_id": "", "downsample": 100000}
    for run, tags in sorted(data.read_scalars(ctx, plugin_name="scalars", **more).items()):
        for tag, points in tags.items():
            line(run, tag, "server", [(p.step, "%.6g" % p.value) for p in points])
    for run, tags in sorted(data.read_tensors(ctx, plugin_name="text", **more).items()):
        for tag, points in tags.items():
            line(run, tag, "server", [(p.step, p.numpy.reshape(-1)[0][:14]) for p in points])


of_python(sys.argv[1])
of_server(sys.argv[1])
