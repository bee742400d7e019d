import keras
import numpy as np
import pytest

from beyond import bounds, certified


@pytest.mark.parametrize("kind", ["small", "convolutional"])
def test_the_bound_in_the_step_is_the_proved_one_but_for_rounding(few, kind):
    keras.utils.set_random_seed(0)
    model, x, y = certified.network(kind), few.x_test[:5], few.y_test[:5].astype(np.float32)
    proved = bounds.interval(bounds.Network(model), x, y, 0.1)
    trained = certified.interval_margin(model, x, y, 0.1).numpy()
    assert np.all(proved <= trained + 1e-6)
    np.testing.assert_allclose(trained, proved, rtol=0.01, atol=1e-2)
