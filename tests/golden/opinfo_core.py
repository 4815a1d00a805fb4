"""opinfo_core.py: OpInfo's names behind which is a differentiable op of Core ATen IR."""
CORE = set("""
abs acos acosh addmm addmm.decomposed add asin asinh atan atan2 atanh amax amin as_strided as_strided.partial_views
nn.functional.avg_pool1d nn.functional.avg_pool2d nn.functional.avg_pool3d nn.functional.adaptive_avg_pool1d
nn.functional.adaptive_avg_pool2d nn.functional.adaptive_avg_pool3d bmm cat clamp clone constant_pad_nd
nn.functional.pad.constant nn.functional.pad.reflect nn.functional.pad.replicate nn.functional.conv1d
nn.functional.conv2d nn.functional.conv3d nn.functional.conv_transpose1d nn.functional.conv_transpose2d
nn.functional.conv_transpose3d cos cosh cumsum diagonal div.no_rounding_mode div.trunc_rounding div.floor_rounding
nn.functional.elu nn.functional.embedding nn.functional.embedding_bag erf exp expand expm1 fill flip fmod remainder
gather nn.functional.gelu grid_sampler_2d nn.functional.grid_sample nn.functional.hardtanh __getitem__ index_put
index_select nn.functional.leaky_relu log log10 log1p log2 log_softmax log_softmax.with_dtype softmax
softmax.with_dtype masked_scatter max.reduction_with_dim max.reduction_no_dim max.binary min.reduction_with_dim
min.reduction_no_dim min.binary nn.functional.max_pool1d nn.functional.max_pool2d nn.functional.max_pool3d maximum
minimum mean mm mul native_batch_norm _native_batch_norm_legit nn.functional.batch_norm native_group_norm
nn.functional.group_norm native_layer_norm nn.functional.layer_norm neg permute pow prod reciprocal
nn.functional.relu repeat round round.decimals_0 round.decimals_3 round.decimals_neg_3 rsqrt scatter scatter_add
scatter_reduce.sum scatter_reduce.mean scatter_reduce.prod scatter_reduce.amax scatter_reduce.amin select
select_scatter sigmoid sign sin sinh slice slice_scatter sort split_with_sizes sqrt squeeze squeeze.multiple sub sum
tan tanh topk trunc unsqueeze nn.functional.interpolate.bilinear nn.functional.interpolate.nearest
nn.functional.upsample_bilinear nn.functional.upsample_nearest var var.unbiased view where cdist nn.functional.pdist
nn.functional.dropout to
""".split())
