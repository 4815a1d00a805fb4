/** @file hone.h  Everything. */
#ifndef HONE_HONE_H
#define HONE_HONE_H

#include <hone/accumulate.h>
#include <hone/autocast.h>
#include <hone/autograd.h>
#include <hone/call.h>
#include <hone/checkpoint.h>
#include <hone/data.h>
#include <hone/dist.h>
#include <hone/distributions.h>
#include <hone/dtype.h>
#include <hone/error.h>
#include <hone/events.h>
#include <hone/files.h>
#include <hone/formats.h>
#include <hone/functional.h>
#include <hone/hooks.h>
#include <hone/init.h>
#include <hone/io.h>
#include <hone/linalg.h>
#include <hone/math.h>
#include <hone/model.h>
#include <hone/named.h>
#include <hone/net.h>
#include <hone/nn.h>
#include <hone/ops.h>
#include <hone/optim.h>
#include <hone/pictures.h>
#include <hone/profile.h>
#include <hone/random.h>
#include <hone/runtime.h>
#include <hone/schedule.h>
#include <hone/shapes.h>
#include <hone/statistics.h>
#include <hone/tensor.h>
#include <hone/tokenizer.h>

#endif
