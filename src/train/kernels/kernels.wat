;; Optimiser arithmetic over flat float32 ranges, four elements at a time.
;;
;; Every range begins on a multiple of 16 bytes and is `$bytes` long, a multiple of 16: whoever lays the
;; memory out pads tails with zeros, which all kernels map to zeros. The order of operations is that of the
;; graphs of src/autodiff/optimisers, so that both give the same bits; there is no fused multiply-add.
;;
;; What the kernels share: `$clip` multiplies the gradient in the register (clipping and the mean over
;; micro-batches cost no pass of their own), `$alpha` is minus the learning rate (with bias correction),
;; `$decay` is minus learning rate times weight decay. Moments below the smallest normal number are flushed
;; to zero: those of a weight without gradients get there within a thousand steps, stay for ever, and make a
;; step four times slower. NaN is kept.
;;
;; Compiled by `npm run kernels` into module.ts.
(module
  (import "arena" "memory" (memory 1))

  ;; Sum of squares in float64, in an order that depends on nothing but the length. NaN and infinity show.
  (func (export "sumOfSquares") (param $x i32) (param $bytes i32) (result f64)
    (local $end i32) (local $low v128) (local $high v128) (local $a v128) (local $b v128)
    (local.set $end (i32.add (local.get $x) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (local.set $a (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $x))))
        (local.set $b (f64x2.promote_low_f32x4 (v128.load64_zero offset=8 (local.get $x))))
        (local.set $low (f64x2.add (local.get $low) (f64x2.mul (local.get $a) (local.get $a))))
        (local.set $high (f64x2.add (local.get $high) (f64x2.mul (local.get $b) (local.get $b))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br $next)))
    (local.set $low (f64x2.add (local.get $low) (local.get $high)))
    (f64.add
      (f64x2.extract_lane 0 (local.get $low))
      (f64x2.extract_lane 1 (local.get $low))))

  ;; x = x * factor
  (func (export "scale") (param $x i32) (param $bytes i32) (param $factor f32)
    (local $end i32)
    (local.set $end (i32.add (local.get $x) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (v128.store (local.get $x)
          (f32x4.mul (v128.load (local.get $x)) (f32x4.splat (local.get $factor))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br $next))))

  ;; sum = sum + x
  (func (export "accumulate") (param $sum i32) (param $x i32) (param $bytes i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $x) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (v128.store (local.get $sum)
          (f32x4.add (v128.load (local.get $sum)) (v128.load (local.get $x))))
        (local.set $sum (i32.add (local.get $sum) (i32.const 16)))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br $next))))

  ;; mean = mean + (x - mean) * weight
  (func (export "average") (param $mean i32) (param $x i32) (param $bytes i32) (param $weight f32)
    (local $end i32) (local $old v128)
    (local.set $end (i32.add (local.get $x) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $x) (local.get $end)))
        (local.set $old (v128.load (local.get $mean)))
        (v128.store (local.get $mean)
          (f32x4.add (local.get $old)
            (f32x4.mul
              (f32x4.sub (v128.load (local.get $x)) (local.get $old))
              (f32x4.splat (local.get $weight)))))
        (local.set $mean (i32.add (local.get $mean) (i32.const 16)))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br $next))))

  ;; m = m + (g - m) * c1
  ;; v = v + (g * g - v) * c2
  ;; p = p + (m * alpha / (sqrt(v) + eps) + p * decay)
  (func (export "adamW")
    (param $p i32) (param $g i32) (param $m i32) (param $v i32) (param $bytes i32)
    (param $clip f32) (param $c1 f32) (param $c2 f32) (param $alpha f32) (param $eps f32) (param $decay f32)
    (local $end i32) (local $P v128) (local $G v128) (local $M v128) (local $V v128) (local $tiny v128)
    (local.set $tiny (f32x4.splat (f32.const 0x1p-126)))
    (local.set $end (i32.add (local.get $p) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $G (f32x4.mul (v128.load (local.get $g)) (f32x4.splat (local.get $clip))))
        (local.set $M (v128.load (local.get $m)))
        (local.set $M
          (f32x4.add (local.get $M)
            (f32x4.mul (f32x4.sub (local.get $G) (local.get $M)) (f32x4.splat (local.get $c1)))))
        (local.set $M
          (v128.andnot (local.get $M) (f32x4.lt (f32x4.abs (local.get $M)) (local.get $tiny))))
        (v128.store (local.get $m) (local.get $M))
        (local.set $V (v128.load (local.get $v)))
        (local.set $V
          (f32x4.add (local.get $V)
            (f32x4.mul
              (f32x4.sub (f32x4.mul (local.get $G) (local.get $G)) (local.get $V))
              (f32x4.splat (local.get $c2)))))
        (local.set $V
          (v128.andnot (local.get $V) (f32x4.lt (local.get $V) (local.get $tiny))))
        (v128.store (local.get $v) (local.get $V))
        (local.set $P (v128.load (local.get $p)))
        (v128.store (local.get $p)
          (f32x4.add (local.get $P)
            (f32x4.add
              (f32x4.div
                (f32x4.mul (local.get $M) (f32x4.splat (local.get $alpha)))
                (f32x4.add (f32x4.sqrt (local.get $V)) (f32x4.splat (local.get $eps))))
              (f32x4.mul (local.get $P) (f32x4.splat (local.get $decay))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (local.set $m (i32.add (local.get $m) (i32.const 16)))
        (local.set $v (i32.add (local.get $v) (i32.const 16)))
        (br $next))))

  ;; p = p + (g * alpha + p * decay)
  (func (export "sgd")
    (param $p i32) (param $g i32) (param $bytes i32) (param $clip f32) (param $alpha f32) (param $decay f32)
    (local $end i32) (local $P v128) (local $G v128)
    (local.set $end (i32.add (local.get $p) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $G (f32x4.mul (v128.load (local.get $g)) (f32x4.splat (local.get $clip))))
        (local.set $P (v128.load (local.get $p)))
        (v128.store (local.get $p)
          (f32x4.add (local.get $P)
            (f32x4.add
              (f32x4.mul (local.get $G) (f32x4.splat (local.get $alpha)))
              (f32x4.mul (local.get $P) (f32x4.splat (local.get $decay))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (br $next))))

  ;; b = b * momentum + g
  ;; p = p + (b * alpha + p * decay)
  (func (export "momentum")
    (param $p i32) (param $g i32) (param $b i32) (param $bytes i32)
    (param $clip f32) (param $momentum f32) (param $alpha f32) (param $decay f32)
    (local $end i32) (local $P v128) (local $G v128) (local $B v128) (local $tiny v128)
    (local.set $tiny (f32x4.splat (f32.const 0x1p-126)))
    (local.set $end (i32.add (local.get $p) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $G (f32x4.mul (v128.load (local.get $g)) (f32x4.splat (local.get $clip))))
        (local.set $B
          (f32x4.add
            (f32x4.mul (v128.load (local.get $b)) (f32x4.splat (local.get $momentum)))
            (local.get $G)))
        (local.set $B
          (v128.andnot (local.get $B) (f32x4.lt (f32x4.abs (local.get $B)) (local.get $tiny))))
        (v128.store (local.get $b) (local.get $B))
        (local.set $P (v128.load (local.get $p)))
        (v128.store (local.get $p)
          (f32x4.add (local.get $P)
            (f32x4.add
              (f32x4.mul (local.get $B) (f32x4.splat (local.get $alpha)))
              (f32x4.mul (local.get $P) (f32x4.splat (local.get $decay))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (local.set $b (i32.add (local.get $b) (i32.const 16)))
        (br $next))))

  ;; b = b * momentum + g
  ;; p = p + ((b * momentum + g) * alpha + p * decay)
  (func (export "nesterov")
    (param $p i32) (param $g i32) (param $b i32) (param $bytes i32)
    (param $clip f32) (param $momentum f32) (param $alpha f32) (param $decay f32)
    (local $end i32) (local $P v128) (local $G v128) (local $B v128) (local $tiny v128)
    (local.set $tiny (f32x4.splat (f32.const 0x1p-126)))
    (local.set $end (i32.add (local.get $p) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $G (f32x4.mul (v128.load (local.get $g)) (f32x4.splat (local.get $clip))))
        (local.set $B
          (f32x4.add
            (f32x4.mul (v128.load (local.get $b)) (f32x4.splat (local.get $momentum)))
            (local.get $G)))
        (local.set $B
          (v128.andnot (local.get $B) (f32x4.lt (f32x4.abs (local.get $B)) (local.get $tiny))))
        (v128.store (local.get $b) (local.get $B))
        (local.set $P (v128.load (local.get $p)))
        (v128.store (local.get $p)
          (f32x4.add (local.get $P)
            (f32x4.add
              (f32x4.mul
                (f32x4.add
                  (f32x4.mul (local.get $B) (f32x4.splat (local.get $momentum)))
                  (local.get $G))
                (f32x4.splat (local.get $alpha)))
              (f32x4.mul (local.get $P) (f32x4.splat (local.get $decay))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (local.set $b (i32.add (local.get $b) (i32.const 16)))
        (br $next))))

  ;; p = p + (sign(m + (g - m) * c1) * alpha + p * decay)
  ;; m = m + (g - m) * c2
  (func (export "lion")
    (param $p i32) (param $g i32) (param $m i32) (param $bytes i32)
    (param $clip f32) (param $c1 f32) (param $c2 f32) (param $alpha f32) (param $decay f32)
    (local $end i32) (local $P v128) (local $M v128) (local $D v128) (local $S v128) (local $tiny v128)
    (local.set $tiny (f32x4.splat (f32.const 0x1p-126)))
    (local.set $end (i32.add (local.get $p) (local.get $bytes)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $M (v128.load (local.get $m)))
        (local.set $D
          (f32x4.sub
            (f32x4.mul (v128.load (local.get $g)) (f32x4.splat (local.get $clip)))
            (local.get $M)))
        (local.set $S
          (f32x4.add (local.get $M) (f32x4.mul (local.get $D) (f32x4.splat (local.get $c1)))))
        ;; The sign: that bit of S over the bits of 1, where S is not zero.
        (local.set $S
          (v128.and
            (v128.bitselect (local.get $S) (f32x4.splat (f32.const 1)) (i32x4.splat (i32.const 0x80000000)))
            (f32x4.ne (local.get $S) (f32x4.splat (f32.const 0)))))
        (local.set $M
          (f32x4.add (local.get $M) (f32x4.mul (local.get $D) (f32x4.splat (local.get $c2)))))
        (local.set $M
          (v128.andnot (local.get $M) (f32x4.lt (f32x4.abs (local.get $M)) (local.get $tiny))))
        (v128.store (local.get $m) (local.get $M))
        (local.set $P (v128.load (local.get $p)))
        (v128.store (local.get $p)
          (f32x4.add (local.get $P)
            (f32x4.add
              (f32x4.mul (local.get $S) (f32x4.splat (local.get $alpha)))
              (f32x4.mul (local.get $P) (f32x4.splat (local.get $decay))))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (local.set $m (i32.add (local.get $m) (i32.const 16)))
        (br $next)))))
