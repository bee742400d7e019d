"""The bounds of auto_LiRPA, made by others, for a network of results/certified. bounds.py calls it.

auto_LiRPA (https://github.com/Verified-Intelligence/auto_LiRPA) needs an older PyTorch than the
other benchmarks, and so a Python of its own, up to 3.10. Nothing of this project is imported: the
network is built again, in PyTorch, from its saved weights.

    python3.10 -m venv lirpa && lirpa/bin/pip install auto_LiRPA==0.3 "numpy<2" tqdm
    python benchmarks/bounds.py --lirpa lirpa/bin/python
"""

import json
import sys
import time

import numpy as np
import torch
from auto_LiRPA import BoundedModule, BoundedTensor
from auto_LiRPA.perturbations import PerturbationLpNorm

AT_ONCE = 20  # images; 100 take longer


def network(weights):
    """The layers of certified.py: kernel and bias of each, convolutions with a stride of 2."""
    layers, channels = [], 1
    for kernel, bias in zip(weights[::2], weights[1::2]):
        if kernel.ndim == 4:
            side, _, before, channels = kernel.shape
            layer, kernel = torch.nn.Conv2d(before, channels, side, 2), kernel.transpose(3, 2, 0, 1)
        else:
            layer = torch.nn.Linear(*kernel.shape)
            if channels:  # PyTorch flattens them first
                layers.append(torch.nn.Flatten())
                kernel = kernel.reshape(-1, channels, layer.out_features).swapaxes(0, 1)
                channels = 0
            kernel = kernel.reshape(layer.in_features, -1).T
        layer.weight.data = torch.tensor(np.ascontiguousarray(kernel))
        layer.bias.data = torch.tensor(bias)
        layers += [layer, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).eval()


def bounds(layers, x, y, epsilon, method, dtype):
    """Lower bounds of y·logit inside [0, 1], (batch,), and processor milliseconds an image."""
    images = torch.tensor(x).to(dtype).permute(0, 3, 1, 2)
    options = {"relu": "adaptive", "conv_mode": "patches"}
    model = BoundedModule(layers.to(dtype), images[:1], bound_opts=options)
    low, high = (images - epsilon).clamp(0, 1), (images + epsilon).clamp(0, 1)

    def part(start):
        some = slice(start, start + AT_ONCE)
        box = PerturbationLpNorm(norm=np.inf, eps=epsilon, x_L=low[some], x_U=high[some])
        rows = torch.tensor(y[some]).to(dtype)[:, None, None]
        box = (BoundedTensor(images[some], box),)
        with torch.no_grad():
            return model.compute_bounds(x=box, C=rows, method=method, bound_upper=False)[0][:, 0]

    part(0)
    start = time.process_time()
    found = torch.cat([part(each) for each in range(0, len(x), AT_ONCE)])
    return found.tolist(), 1e3 * (time.process_time() - start) / len(x)


def main(task):
    """task: a NumPy file with x, y and the weights in their order; ε, method and type."""
    torch.set_num_threads(1)
    path, epsilon, method, dtype = task
    saved = np.load(path)
    weights = [saved[name] for name in sorted(set(saved.files) - {"x", "y"})]
    x, y, dtype = saved["x"], saved["y"], getattr(torch, dtype)
    json.dump(bounds(network(weights), x, y, float(epsilon), method, dtype), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
